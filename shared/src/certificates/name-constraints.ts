/** Which hosts an authority may issue for: RFC 5280 section 4.2.1.10. */
import ipaddr from 'ipaddr.js';
import forge from 'node-forge';
import { children } from './certificate-asn1.ts';

const { CONTEXT_SPECIFIC } = forge.asn1.Class;
const tagOf = { dns: 2, directory: 4, address: 7 } as const;

/** The subtrees of one extension, of the kinds of name that a host can have. */
interface Subtrees {
  /** Lower case; with a dot in front: subdomains alone. Empty: every name. */
  readonly dns: readonly string[];
  /** Address and mask, one after the other: 8 bytes or 32. */
  readonly addresses: readonly Buffer[];
}

export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  /** They say something of subjects, too: a leaf then has none. */
  readonly hasDirectoryNames: boolean;
}

/** Reads the extension. Throws TypeError when it is malformed, or says what RFC 5280 has taken out of use. */
export function readNameConstraints(extension: forge.asn1.Asn1): NameConstraints {
  const of = (tag: number) => children(extension).filter((part) => Number(part.type) === tag);
  const [permitted, excluded] = [of(0), of(1)].map((parts) => parts.flatMap((part) => children(part).map(baseOf)));
  if (permitted === undefined || excluded === undefined || permitted.length + excluded.length === 0)
    throw new TypeError('name constraints are empty');
  const hasDirectoryNames = [...permitted, ...excluded].some(({ tag }) => tag === tagOf.directory);
  return { permitted: subtreesOf(permitted), excluded: subtreesOf(excluded), hasDirectoryNames };
}

interface Base {
  readonly tag: number;
  readonly bytes: Buffer;
}

function baseOf(subtree: forge.asn1.Asn1): Base {
  const [base, ...bounds] = children(subtree);
  if (base?.tagClass !== CONTEXT_SPECIFIC) throw new TypeError('malformed name constraints');
  if (bounds.length > 0) throw new TypeError('name constraints have a minimum or maximum, which nobody reads');
  const bytes = Buffer.from(typeof base.value === 'string' ? base.value : '', 'latin1');
  return { tag: Number(base.type), bytes };
}

function subtreesOf(bases: readonly Base[]): Subtrees {
  const of = (tag: number) => bases.filter((base) => base.tag === tag).map(({ bytes }) => bytes);
  const addresses = of(tagOf.address);
  if (addresses.some(({ length }) => length !== 8 && length !== 32))
    throw new TypeError('an address of the name constraints has the wrong length');
  const dns = of(tagOf.dns).map((bytes) => bytes.toString('latin1').toLowerCase().replace(/\.$/, ''));
  return { dns, addresses };
}

/**
 * Whether all of the constraints let a host be issued for: a DNS name or an IP literal, in any case, with or without the final dot.
 * Excluded wins. Where names or addresses of some kind are permitted, those of the other kind are not: RFC 5280 leaves them free,
 * and whoever writes down which hosts are permitted means no others.
 */
export function permitsHost(constraints: readonly NameConstraints[], host: string): boolean {
  return constraints.every((one) => permits(one, host.toLowerCase().replace(/\.$/, '')));
}

function permits({ permitted, excluded }: NameConstraints, host: string): boolean {
  if (contains(excluded, host)) return false;
  const isFree = permitted.dns.length + permitted.addresses.length === 0;
  return isFree || contains(permitted, host);
}

function contains({ dns, addresses }: Subtrees, host: string): boolean {
  if (!ipaddr.isValid(host)) return dns.some((base) => isWithin(host, base));
  const address = ipaddr.parse(host);
  const forms = [address.toByteArray()];
  // An IPv4 address by another name is the same address.
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress())
    forms.push(address.toIPv4Address().toByteArray());
  return forms.some((bytes) => addresses.some((range) => isInRange(bytes, range)));
}

function isWithin(name: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? name.endsWith(base) : name === base || name.endsWith(`.${base}`);
}

function isInRange(bytes: readonly number[], range: Buffer): boolean {
  const { length } = bytes;
  if (range.length !== 2 * length) return false;
  return bytes.every((byte, index) => ((byte ^ (range[index] ?? 0)) & (range[length + index] ?? 0)) === 0);
}

/** The constraints in words, one each: `permitted DNS example.com`. */
export function describeConstraints({ permitted, excluded }: NameConstraints): string[] {
  const of = (verb: string, { dns, addresses }: Subtrees) => [
    ...dns.map((base) => `${verb} DNS ${base === '' ? '*' : base}`),
    ...addresses.map((range) => `${verb} IP ${rangeText(range)}`),
  ];
  return [...of('permitted', permitted), ...of('excluded', excluded)];
}

function rangeText(range: Buffer): string {
  const half = range.length / 2;
  const text = (bytes: Buffer) => ipaddr.fromByteArray([...bytes]).toString();
  return `${text(range.subarray(0, half))}/${text(range.subarray(half))}`;
}
