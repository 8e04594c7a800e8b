/**
 * The special-purpose ranges of the IANA registries (RFC 6890 and its successors) and the address forms that carry an
 * IPv4 address inside. Order matters: the first range that matches names the reason, so narrow ones stand first.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Ip = ipaddr.IPv4 | ipaddr.IPv6;

export type SpecialReason =
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'shared'
  | 'link-local'
  | 'metadata'
  | 'documentation'
  | 'benchmarking'
  | 'multicast'
  | 'broadcast'
  | 'reserved'
  | 'mapped'
  | 'compatible'
  | 'nat64'
  | '6to4'
  | 'teredo'
  | 'isatap'
  | 'translated';

export interface Range {
  readonly base: Ip;
  readonly prefixLength: number;
}

/**
 * Reads an address literal without zone; undefined when it is none. What an address is, Node decides: ipaddr.js takes
 * short, octal and hexadecimal IPv4 too. A dotted tail is made hexadecimal first, because ipaddr.js reads `::10.0.0.1`
 * as `::ffff:10.0.0.1`, which is another address.
 */
export function parseIp(literal: string): Ip | undefined {
  const family = isIP(literal);
  if (family === 0 || literal.includes('%')) return undefined;
  if (family === 4) return ipaddr.IPv4.parse(literal);
  return ipaddr.IPv6.parse(
    literal.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...quad: string[]) => {
      const [a = 0, b = 0, c = 0, d = 0] = quad.slice(0, 4).map(Number);
      return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    }),
  );
}

/** Whether `ip` lies in `range`. Addresses of different families never match. */
export function isInRange(ip: Ip, range: Range): boolean {
  return ip.kind() === range.base.kind() && ip.match(range.base, range.prefixLength);
}

type Table = readonly (readonly [reason: SpecialReason, ...cidrs: string[]])[];

const IPV4: Table = [
  // AWS, GCP, Azure and others; AWS ECS and EKS; Oracle; Alibaba; Azure's host agent, which has a public address.
  ['metadata', '169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32', '192.0.0.192/32', '100.100.100.200/32'],
  ['metadata', '168.63.129.16/32'],
  // Tencent, Scaleway; Equinix Metal, which has a public address too.
  ['metadata', '169.254.0.23/32', '169.254.42.42/32', '192.80.8.124/32'],
  ['unspecified', '0.0.0.0/32'],
  ['broadcast', '255.255.255.255/32'],
  ['loopback', '127.0.0.0/8'],
  ['private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['shared', '100.64.0.0/10'],
  ['link-local', '169.254.0.0/16'],
  ['documentation', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '233.252.0.0/24'],
  ['benchmarking', '198.18.0.0/15'],
  ['6to4', '192.88.99.0/24'],
  ['multicast', '224.0.0.0/4'],
  ['reserved', '0.0.0.0/8', '192.0.0.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24', '240.0.0.0/4'],
];

const IPV6: Table = [
  // AWS, its EKS, GCP; Scaleway; OpenStack.
  ['metadata', 'fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128', 'fd00:42::42/128', 'fe80::a9fe:a9fe/128'],
  ['unspecified', '::/128'],
  ['loopback', '::1/128'],
  ['mapped', '::ffff:0:0/96'],
  ['translated', '::ffff:0:0:0/96'],
  ['compatible', '::/96'],
  ['nat64', '64:ff9b::/96', '64:ff9b:1::/48'],
  ['teredo', '2001::/32'],
  ['6to4', '2002::/16'],
  ['link-local', 'fe80::/10'],
  ['private', 'fc00::/7', 'fec0::/10'],
  ['multicast', 'ff00::/8'],
  ['documentation', '2001:db8::/32', '3fff::/20'],
  ['benchmarking', '2001:2::/48'],
  // Protocol assignments, AS112, and what was handed back (6bone).
  ['reserved', '2001::/23', '2620:4f:8000::/48', '3ffe::/16'],
];

function compile(table: Table): readonly { reason: SpecialReason; range: Range }[] {
  return table.flatMap(([reason, ...cidrs]) =>
    cidrs.map((cidr) => {
      const [base, prefixLength] = ipaddr.parseCIDR(cidr);
      return { reason, range: { base, prefixLength } };
    }),
  );
}

const SPECIAL = { ipv4: compile(IPV4), ipv6: compile(IPV6) };
/** All the IPv6 space that IANA has given out as global unicast. What lies outside is not the Internet. */
const GLOBAL_IPV6: Range = { base: ipaddr.IPv6.parse('2000::'), prefixLength: 3 };

/** Why `ip` is not global unicast; undefined when it is. */
export function specialReason(ip: Ip): SpecialReason | undefined {
  const found = SPECIAL[ip.kind()].find(({ range }) => isInRange(ip, range));
  if (found) return found.reason;
  if (!(ip instanceof ipaddr.IPv6)) return undefined;
  if (!isInRange(ip, GLOBAL_IPV6)) return 'reserved';
  return isIsatap(ip) ? 'isatap' : undefined;
}

/** An interface identifier that carries an IPv4 address, under any prefix (RFC 5214 section 6.1). */
function isIsatap(ip: ipaddr.IPv6): boolean {
  const [fifth, sixth] = ip.parts.slice(4, 6);
  return sixth === 0x5efe && (fifth === 0 || fifth === 0x0200);
}

/**
 * The IPv4 addresses that an IPv6 address of this form would reach. NAT64 with the local-use prefix is read at each
 * prefix length that RFC 6052 section 2.2 allows within it, for the length is the network's secret.
 */
export function embeddedIpv4(ip: ipaddr.IPv6, form: SpecialReason): ipaddr.IPv4[] {
  const bytes = ip.toByteArray();
  const at = (...positions: number[]): ipaddr.IPv4 =>
    new ipaddr.IPv4(positions.map((position) => bytes[position] ?? 0));
  switch (form) {
    case 'mapped':
    case 'compatible':
    case 'translated':
    case 'isatap':
      return [at(12, 13, 14, 15)];
    case 'nat64':
      if (bytes[5] === 0) return [at(12, 13, 14, 15)];
      return [at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12), at(12, 13, 14, 15)];
    case '6to4':
      return [at(2, 3, 4, 5)];
    case 'teredo':
      // The server, and the client's address with its bits turned over (RFC 4380 section 4).
      return [at(4, 5, 6, 7), new ipaddr.IPv4([12, 13, 14, 15].map((position) => (bytes[position] ?? 0) ^ 0xff))];
    default:
      return [];
  }
}
