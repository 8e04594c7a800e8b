/** Address ranges in CIDR notation (RFC 4632, RFC 4291 section 2.3), and values kept under them. */
import ipaddr from 'ipaddr.js';

/** A network: an address whose bits after the prefix are zero. */
export interface Cidr {
  /** 4 or 16 bytes, in network order. */
  readonly bytes: readonly number[];
  readonly prefixLength: number;
}

export type CidrParse =
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Reads `10.1.0.0/16`, `fd00::/8`, or one address as a range of itself. IPv4 is dotted-quad only; an IPv4-mapped range is
 * refused, for addresses are compared in their IPv4 form. Bits beyond the prefix are refused as well: whoever writes
 * 10.1.2.3/8 seldom means sixteen million addresses.
 */
export function parseCidr(text: string): CidrParse {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = addressBytes(address);
  if (!bytes || rest.length > 0 || (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)))
    return invalid('must be a range such as 10.1.0.0/16 or fd00::/8, or one address');
  if (address.includes(':') && bytes.length === 4) return invalid('must be written as IPv4, such as 10.1.0.0/16');
  const widest = bytes.length * 8;
  const prefixLength = length === undefined ? widest : Number(length);
  if (prefixLength > widest) return invalid(`must have a prefix of at most ${widest} bits`);
  const base = masked(bytes, prefixLength);
  if (base.some((byte, index) => byte !== bytes[index]))
    return invalid(`must be a network: its address has bits beyond the prefix of ${prefixLength}`);
  return { kind: 'cidr', cidr: { bytes, prefixLength } };
}

function invalid(problem: string): CidrParse {
  return { kind: 'invalid', problem };
}

/** The one way to write a range: `10.1.0.0/16`, `fd00::/8`. */
export function formatCidr({ bytes, prefixLength }: Cidr): string {
  return `${ipaddr.fromByteArray([...bytes]).toString()}/${prefixLength}`;
}

/**
 * An address in the form that ranges are compared in: dotted-quad for IPv4, also where a dual-stack socket shows it
 * mapped (`::ffff:10.1.2.3`, RFC 4291 section 2.5.5.2), and RFC 5952 for IPv6, without a zone. Undefined when it is none.
 */
export function canonicalAddress(text: string): string | undefined {
  const bytes = addressBytes(text.split('%')[0] ?? '');
  return bytes && ipaddr.fromByteArray(bytes).toString();
}

function addressBytes(text: string): number[] | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toByteArray();
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toByteArray() : address.toByteArray();
}

function masked(bytes: readonly number[], prefixLength: number): number[] {
  return bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - index * 8))) & 0xff);
}

/**
 * Values by range, found by address: the narrowest range that holds it wins, as in routing. A look-up costs one map access
 * for each different prefix length, however many ranges there are.
 */
export class CidrMap<T> {
  /** By number of address bytes and prefix length, the longest first. */
  readonly #lengths: { readonly size: number; readonly prefixLength: number; readonly networks: Map<string, T> }[] = [];

  /** Sets the value of a range, in place of one that it had. */
  set(cidr: Cidr, value: T): void {
    const { bytes, prefixLength } = cidr;
    let length = this.#lengths.find((one) => one.size === bytes.length && one.prefixLength === prefixLength);
    if (!length) {
      length = { size: bytes.length, prefixLength, networks: new Map() };
      this.#lengths.push(length);
      this.#lengths.sort((one, other) => other.prefixLength - one.prefixLength);
    }
    length.networks.set(String.fromCharCode(...bytes), value);
  }

  get isEmpty(): boolean {
    return this.#lengths.length === 0;
  }

  /** The value of the narrowest range around an address; undefined for an address in none, or for what is no address. */
  find(address: string): T | undefined {
    const bytes = addressBytes(address);
    if (!bytes) return undefined;
    for (const { size, prefixLength, networks } of this.#lengths) {
      if (size !== bytes.length) continue;
      const found = networks.get(String.fromCharCode(...masked(bytes, prefixLength)));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
