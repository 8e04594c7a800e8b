/** The one canonical form of a host and port, by which CONNECT, SNI, Host and policy are compared (RFC 3986 3.2). */
import { type WireFault, wireFault } from './wire-fault.ts';

export interface Authority {
  readonly kind: 'authority';
  /** Lower case, A-labels, no trailing dot; IPv4 in dotted decimal; IPv6 in brackets, in the form of RFC 5952. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/**
 * Parses `host`, `host:port` or `[v6]:port`, latin1 as it came off the wire. Without `defaultPort` a port must be there, as
 * CONNECT demands (RFC 9112 3.2.3). Faults with `BAD_AUTHORITY`: userinfo, whitespace, escapes, an empty host or label,
 * anything that is no DNS name, IPv4 in short, octal or hexadecimal form, a port that is not plain decimal from 1 to 65535.
 * Octets above 127 are taken for UTF-8 and mapped by UTS 46.
 */
export function parseAuthority(text: string, defaultPort?: number): Authority | WireFault {
  const hostEnd = text.startsWith('[') ? text.indexOf(']') + 1 : colonOrEnd(text);
  if (hostEnd === 0) return wireFault('BAD_AUTHORITY', 'the host is empty');
  const port = parsePort(text, hostEnd, defaultPort);
  if (port === undefined) return wireFault('BAD_AUTHORITY', 'the port is missing or not a number from 1 to 65535');
  const host = canonicalHost(text.slice(0, hostEnd));
  if (host === undefined) return wireFault('BAD_AUTHORITY', 'the host is not a DNS name or an IP address');
  return { kind: 'authority', host, port };
}

function colonOrEnd(text: string): number {
  const colon = text.indexOf(':');
  return colon === -1 ? text.length : colon;
}

function parsePort(text: string, at: number, defaultPort: number | undefined): number | undefined {
  if (at === text.length) return defaultPort;
  const digits = text.length - at - 1;
  if (text.charCodeAt(at) !== 58 || digits < 1 || digits > 5 || text.charCodeAt(at + 1) === 48) return undefined;
  let port = 0;
  for (let index = at + 1; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
  }
  return port <= 65535 ? port : undefined;
}

function canonicalHost(text: string): string | undefined {
  if (text.startsWith('[')) return canonicalIpv6(text);
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return canonicalUnicodeName(text);
  return canonicalName(text.toLowerCase());
}

const IPV6_TEXT = /^\[[0-9a-fA-F:.]{2,45}\]$/;

function canonicalIpv6(text: string): string | undefined {
  return IPV6_TEXT.test(text) ? hostnameByUrl(text) : undefined;
}

/** What the WHATWG URL parser makes of a host: UTS 46 for names, RFC 5952 for IPv6. Slow; kept off the usual path. */
function hostnameByUrl(host: string): string | undefined {
  const url = `http://${host}/`;
  // Not by URL.canParse: once optimised, Node 20's reads a Latin-1 string as UTF-8 and refuses names with an umlaut.
  try {
    return new URL(url).hostname;
  } catch {
    return undefined;
  }
}

/** A name in lower-case ASCII without its trailing dot, or undefined. */
function canonicalName(text: string): string | undefined {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length === 0 || name.length > 253) return undefined;
  let labelStart = 0;
  for (let at = 0; at <= name.length; at++) {
    const octet = at === name.length ? DOT : name.charCodeAt(at);
    if (octet === DOT) {
      if (!isLabel(name, labelStart, at)) return undefined;
      labelStart = at + 1;
    } else if (!isNameOctet(octet)) return undefined;
  }
  if (endsInNumber(name)) return isDottedDecimal(name) ? name : undefined;
  // An A-label that decodes to nothing, or to another name than its own, could be read in two ways (RFC 5890 2.3.2.1).
  if (name.includes('xn--') && hostnameByUrl(name) !== name) return undefined;
  return name;
}

function canonicalUnicodeName(text: string): string | undefined {
  const octets = Buffer.from(text, 'latin1');
  // Characters that were never octets are nobody's host.
  if (octets.toString('latin1') !== text) return undefined;
  // Octets that are no UTF-8 become U+FFFD, which no name may have.
  const unicode = octets.toString('utf8');
  // What the URL parser would take for its own syntax, drop or resolve.
  if (/[\0-\x20%/:?#@[\\\]]/.test(unicode)) return undefined;
  const mapped = hostnameByUrl(unicode);
  const name = mapped === undefined ? undefined : canonicalName(mapped);
  return name === undefined || endsInNumber(name) ? undefined : name;
}

const DOT = 46;
const HYPHEN = 45;
const UNDERSCORE = 95;

function isNameOctet(octet: number): boolean {
  return (octet >= 97 && octet <= 122) || (octet >= 48 && octet <= 57) || octet === HYPHEN || octet === UNDERSCORE;
}

function isLabel(name: string, start: number, end: number): boolean {
  if (end === start || end - start > 63) return false;
  return name.charCodeAt(start) !== HYPHEN && name.charCodeAt(end - 1) !== HYPHEN;
}

const NUMBER_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/** Whether resolvers and URL parsers would take the name for an IPv4 address (WHATWG URL, "ends in a number"). */
function endsInNumber(name: string): boolean {
  const start = name.lastIndexOf('.') + 1;
  const first = name.charCodeAt(start);
  return first >= 48 && first <= 57 && NUMBER_LABEL.test(name.slice(start));
}

const DECIMAL_OCTET = /^(?:0|[1-9][0-9]{0,2})$/;

function isDottedDecimal(name: string): boolean {
  const parts = name.split('.');
  return parts.length === 4 && parts.every((part) => DECIMAL_OCTET.test(part) && Number(part) <= 255);
}
