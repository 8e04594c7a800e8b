import { parseIp, type Range } from './special-ranges.ts';

export type RangesParse =
  | { readonly kind: 'ranges'; readonly ranges: readonly string[] }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** One CIDR, or one address as a range of itself. IPv4 is dotted-quad only, no zone. Undefined when it is neither. */
export function parseRange(text: string): Range | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const base = parseIp(address);
  if (!base || rest.length > 0) return undefined;
  const widest = base.kind() === 'ipv4' ? 32 : 128;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefixLength = length === undefined ? widest : Number(length);
  return prefixLength <= widest ? { base, prefixLength } : undefined;
}

/** Reads a comma-separated list of CIDRs, spaces allowed. All faults are named together, by position and not by value. */
export function parseRanges(text: string): RangesParse {
  if (text.trim() === '') return { kind: 'ranges', ranges: [] };
  const ranges = text.split(',').map((entry) => entry.trim());
  const faults = ranges.flatMap((entry, index) =>
    parseRange(entry) ? [] : [`entry ${index + 1}: expected a CIDR such as 10.0.0.0/8 or fd00::/8`],
  );
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'ranges', ranges };
}
