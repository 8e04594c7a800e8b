import ipaddr from 'ipaddr.js';
import { parse as parseDomain } from 'tldts';

/**
 * A host pattern: an exact name (`api.openai.com`), every name below one (`*.example.com`, any depth, not the name
 * itself), or an IP address; each with an optional port. Names are canonical: lower case, A-labels, no trailing dot.
 */
export interface HostPattern {
  readonly kind: 'exact' | 'below';
  /** For `exact` the host, for `below` the suffix with its dot: `.example.com`. IPv6 stands in brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

export type ParsedHostPattern =
  | { readonly kind: 'pattern'; readonly pattern: HostPattern }
  | { readonly kind: 'invalid'; readonly problem: string };

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const invalid = (problem: string): ParsedHostPattern => ({ kind: 'invalid', problem });

/**
 * Parses a host pattern as an admin writes it. Upper case and Unicode names are made canonical; a wildcard over a public
 * suffix (`*.com`, `*.co.uk`, `*.github.io`) is refused, because it would cover names of strangers.
 */
export function parseHostPattern(text: string): ParsedHostPattern {
  if (text.length === 0) return invalid('must not be empty');
  if (/[\s/@?#%\\]/.test(text))
    return invalid('must be a host name with an optional port, without scheme, path or user');
  const split = splitPort(text);
  if (split.kind === 'invalid') return split;
  const { host, port } = split;
  if (host.startsWith('[')) return parseIpv6(host, port);
  if (host.startsWith('*.')) return parseBelow(host.slice(2), port);
  if (host.includes('*')) return invalid('may have one `*`, as its first label: `*.example.com`');
  const name = canonicalName(host);
  if (name === undefined) return invalid('is not a valid host name');
  return { kind: 'pattern', pattern: { kind: 'exact', host: name, port } };
}

/** True when the pattern covers a canonical host. A pattern without a port covers `defaultPorts` only. */
export function hostPatternCovers(
  pattern: HostPattern,
  host: string,
  port: number,
  defaultPorts: readonly number[] = [443],
): boolean {
  const isHostCovered =
    pattern.kind === 'exact' ? pattern.host === host : host.length > pattern.host.length && host.endsWith(pattern.host);
  return isHostCovered && (pattern.port === undefined ? defaultPorts.includes(port) : pattern.port === port);
}

/** The pattern as it is written. */
export function formatHostPattern(pattern: HostPattern): string {
  return (
    (pattern.kind === 'below' ? `*${pattern.host}` : pattern.host) +
    (pattern.port === undefined ? '' : `:${pattern.port}`)
  );
}

function splitPort(
  text: string,
): { kind: 'split'; host: string; port: number | undefined } | { kind: 'invalid'; problem: string } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?$/.exec(text);
  if (!match) return { kind: 'invalid', problem: 'has a malformed port' };
  const port = match[2] === undefined ? undefined : Number(match[2]);
  if (port !== undefined && (port < 1 || port > 65535))
    return { kind: 'invalid', problem: 'has a port outside 1-65535' };
  return { kind: 'split', host: match[1] ?? '', port };
}

function parseIpv6(host: string, port: number | undefined): ParsedHostPattern {
  const canonical = /^\[[0-9a-f:.]{2,45}\]$/i.test(host) ? hostnameByUrl(host) : undefined;
  if (canonical === undefined) return invalid('is not a valid IPv6 address');
  return { kind: 'pattern', pattern: { kind: 'exact', host: canonical, port } };
}

function parseBelow(base: string, port: number | undefined): ParsedHostPattern {
  const name = canonicalName(base);
  if (name === undefined || ipaddr.IPv4.isValid(name)) return invalid('is not a valid wildcard: write `*.example.com`');
  const { domain } = parseDomain(name, { allowPrivateDomains: true, validateHostname: false });
  if (domain === null) return invalid(`covers a public suffix: \`*.${name}\` is everybody's`);
  return { kind: 'pattern', pattern: { kind: 'below', host: `.${name}`, port } };
}

function canonicalName(host: string): string | undefined {
  const isUnicode = /[^\x00-\x7f]/.test(host);
  // UTS 46 has letter cases of its own: lower-casing ahead of it would make another name of some.
  const mapped = isUnicode ? hostnameByUrl(host) : host.toLowerCase();
  if (mapped === undefined) return undefined;
  const name = mapped.endsWith('.') ? mapped.slice(0, -1) : mapped;
  if (name.length === 0 || name.length > 253) return undefined;
  const labels = name.split('.');
  if (!labels.every((part) => label.test(part))) return undefined;
  // A last label of digits or 0x… would be read as an IPv4 address by somebody (WHATWG URL): only the plain form counts.
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? ''))
    return !isUnicode && ipaddr.IPv4.isValidFourPartDecimal(name) ? name : undefined;
  // An A-label that is not the one form of a name would never be equal to what comes off the wire (RFC 5890 2.3.2.1).
  return name.includes('xn--') && hostnameByUrl(name) !== name ? undefined : name;
}

/** The WHATWG URL parser's form of a host, as the wire has it: UTS 46 for names, RFC 5952 for IPv6. */
function hostnameByUrl(host: string): string | undefined {
  const url = `http://${host}/`;
  // Not by URL.canParse: once optimised, Node 20's reads a Latin-1 string as UTF-8 and refuses names with an umlaut.
  try {
    return new URL(url).hostname;
  } catch {
    return undefined;
  }
}
