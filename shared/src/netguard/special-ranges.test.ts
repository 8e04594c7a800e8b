import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { parseIp, specialReason } from './special-ranges.ts';

function isGlobal(literal: string): boolean {
  const ip = parseIp(literal);
  return ip !== undefined && specialReason(ip) === undefined;
}

describe('the special ranges', () => {
  // The IANA IPv6 Special-Purpose Address Registry, whole, and multicast.
  it.each([
    '::1/128',
    '::/128',
    '::ffff:0:0/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '100:0:0:1::/64',
    '2001::/23',
    '2001::/32',
    '2001:1::1/128',
    '2001:1::2/128',
    '2001:1::3/128',
    '2001:2::/48',
    '2001:3::/32',
    '2001:4:112::/48',
    '2001:10::/28',
    '2001:20::/28',
    '2001:30::/28',
    '2001:db8::/32',
    '2002::/16',
    '2620:4f:8000::/48',
    '3fff::/20',
    '5f00::/16',
    'fc00::/7',
    'fe80::/10',
    'ff00::/8',
  ])('hold the first, the last and any address of %s', (cidr) => {
    const [base, length] = ipaddr.IPv6.parseCIDR(cidr);
    const fill = (bits: (index: number) => number): string =>
      new ipaddr.IPv6(
        base.toByteArray().map((octet, index) => {
          const fixed = Math.min(8, Math.max(0, length - index * 8));
          return octet | (bits(index) & (0xff >> fixed));
        }),
      ).toNormalizedString();
    const middle = fc.array(fc.nat(255), { minLength: 16, maxLength: 16 });
    expect([isGlobal(fill(() => 0)), isGlobal(fill(() => 0xff))]).toEqual([false, false]);
    fc.assert(
      fc.property(middle, (octets) => !isGlobal(fill((index) => octets[index] ?? 0))),
      { numRuns: 200 },
    );
  });
});
