import { describe, expect, it } from 'vitest';
import { CidrMap, canonicalAddress, formatCidr, parseCidr } from './cidr.ts';

const read = (text: string): string => {
  const parsed = parseCidr(text);
  return parsed.kind === 'cidr' ? formatCidr(parsed.cidr) : parsed.problem;
};

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.1.2.2/31', '10.1.2.2/31'],
    ['FD00::/8', 'fd00::/8'],
    ['2001:DB8:0::1', '2001:db8::1/128'],
    ['::/0', '::/0'],
  ])('reads %s as %s', (text, canonical) => {
    expect(read(text)).toBe(canonical);
  });

  it.each([
    '',
    '10.0.0.0/',
    '10.0.0/8',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '010.0.0.0/8',
    '0x0a.0.0.0/8',
    '167772160',
    'fd00::%eth0/8',
    'a/8',
    '10.0.0.0/ 8',
  ])('takes %j for no range', (text) => {
    expect(read(text)).toContain('must be a range');
  });

  it('refuses a prefix that is too long, bits beyond it, and mapped IPv4', () => {
    expect(read('10.0.0.0/33')).toContain('at most 32');
    expect(read('::/129')).toContain('at most 128');
    expect(read('10.1.2.3/8')).toContain('must be a network');
    expect(read('fd00::1/64')).toContain('must be a network');
    expect(read('::ffff:10.0.0.0/104')).toContain('as IPv4');
  });
});

describe('canonicalAddress', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0a01:0203', '10.1.2.3'],
    ['FE80::1%eth0', 'fe80::1'],
    ['2001:db8:0:0::1', '2001:db8::1'],
    ['nothing', undefined],
    ['010.1.2.3', undefined],
  ])('writes %s as %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });
});

describe('CidrMap', () => {
  const map = new CidrMap<string>();
  for (const text of [
    '10.0.0.0/8',
    '10.1.0.0/16',
    '10.1.2.3',
    '10.1.2.128/25',
    'fd00::/8',
    'fd00:1::/32',
    '2001:db8::1',
  ]) {
    const parsed = parseCidr(text);
    if (parsed.kind === 'cidr') map.set(parsed.cidr, text);
  }

  it.each([
    ['10.200.0.1', '10.0.0.0/8'],
    ['10.1.200.1', '10.1.0.0/16'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.127', '10.1.0.0/16'],
    ['10.1.2.128', '10.1.2.128/25'],
    ['10.1.2.255', '10.1.2.128/25'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['fd12::1', 'fd00::/8'],
    ['fd00:1::5', 'fd00:1::/32'],
    ['2001:db8::1', '2001:db8::1'],
  ])('gives %s the narrowest range around it', (address, range) => {
    expect(map.find(address)).toBe(range);
  });

  it.each(['11.0.0.1', '9.255.255.255', '2001:db8::2', '::a01:203', '', '10.1', 'fe80::1'])(
    'knows nothing of %s',
    (address) => {
      expect(map.find(address)).toBeUndefined();
    },
  );

  it('lets the last value of a range stand', () => {
    const one = new CidrMap<number>();
    const parsed = parseCidr('10.0.0.0/8');
    if (parsed.kind !== 'cidr') throw new Error(parsed.problem);
    expect(one.isEmpty).toBe(true);
    one.set(parsed.cidr, 1);
    one.set(parsed.cidr, 2);
    expect(one.find('10.9.9.9')).toBe(2);
  });
});
