import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { AddressGuard, type AddressGuardOptions, type RefusalReason } from './address-guard.ts';

const guardWith = (options: Partial<AddressGuardOptions> = {}): AddressGuard =>
  new AddressGuard({ allowRanges: [], ownListeners: [], localAddresses: () => [], ...options });
const judge = (guard: AddressGuard, ip: string, port = 443): string => {
  const verdict = guard.verdict(ip, port);
  return verdict.kind === 'refused' ? verdict.reason : 'allowed';
};

const REFUSED: [RefusalReason, ...string[]][] = [
  ['unspecified', '0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0'],
  ['reserved', '0.0.0.1', '0.255.255.255', '192.0.0.0', '192.0.0.8', '192.0.0.171', '192.0.0.255'],
  ['reserved', '192.31.196.1', '192.52.193.1', '192.175.48.6', '240.0.0.0', '250.1.2.3', '255.255.255.254'],
  [
    'private',
    '10.0.0.0',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
  ],
  ['shared', '100.64.0.0', '100.64.0.1', '100.127.255.255'],
  ['loopback', '127.0.0.0', '127.0.0.1', '127.1.2.3', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '::0001'],
  ['link-local', '169.254.0.1', '169.254.169.253', '169.254.255.255'],
  ['link-local', 'fe80::1', 'FE80::1', 'febf:ffff::1', 'fe80::1%eth0', 'fe80::1%1', 'fe80::1%eth0.100'],
  ['metadata', '169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
  [
    'metadata',
    '169.254.0.23',
    '169.254.42.42',
    '192.80.8.124',
    'fd00:42::42',
    'fe80::a9fe:a9fe',
    'fe80::a9fe:a9fe%eth0',
  ],
  [
    'isatap',
    '2606:4700::5efe:7f00:1',
    '2606:4700::5efe:127.0.0.1',
    '2606:4700::200:5efe:a9fe:a9fe',
    '2a00:1450:4001:800:0:5efe:10.0.0.1',
    '2606:4700::5efe:8.8.8.8',
  ],
  ['link-local', 'fe80::5efe:10.0.0.1', 'fe80::200:5efe:8.8.8.8'],
  ['metadata', 'fd00:ec2::254', 'fd00:0ec2:0:0:0:0:0:0254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:ec2::254%eth0'],
  ['documentation', '192.0.2.1', '192.0.2.255', '198.51.100.1', '203.0.113.1', '233.252.0.1'],
  ['documentation', '2001:db8::1', '2001:0DB8:ffff::', '3fff::1', '3fff:fff:ffff::'],
  ['benchmarking', '198.18.0.0', '198.19.255.255', '2001:2::1'],
  ['6to4', '192.88.99.1', '2002:7f00:1::', '2002:7f00:0001::1', '2002:a9fe:a9fe::', '2002:a00:1::1', '2002:808:808::1'],
  ['multicast', '224.0.0.1', '232.1.1.1', '239.255.255.255', 'ff00::', 'ff02::1', 'ff0e::1', 'ff02::1%eth0'],
  ['broadcast', '255.255.255.255'],
  [
    'private',
    'fc00::',
    'fc00::1',
    'fd12:3456:789a::1',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fec0::1',
    'feff::1',
  ],
  ['mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:7F00:0001', '0:0:0:0:0:ffff:127.0.0.1', '::ffff:0.0.0.0'],
  [
    'mapped',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:169.254.169.254',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '::ffff:127.0.0.1%lo',
  ],
  ['compatible', '::127.0.0.1', '::7f00:1', '::10.0.0.1', '::8.8.8.8', '::169.254.169.254', '::2', '::ffff'],
  ['translated', '::ffff:0:127.0.0.1', '::ffff:0:7f00:1', '::ffff:0:808:808'],
  ['nat64', '64:ff9b::7f00:1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::10.0.0.1', '64:ff9b::8.8.8.8'],
  ['nat64', '64:ff9b:1::7f00:1', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', '64:ff9b:1:7f00:0:100::'],
  ['teredo', '2001::', '2001:0:4136:e378:8000:63bf:80ff:fffe', '2001:0:7f00:1::'],
  ['reserved', '2001:1::1', '2001:3::1', '2001:4:112::1', '2001:10::1', '2001:20::1', '2001:30::1', '2001:1ff:ffff::'],
  [
    'reserved',
    '100::',
    '100::1',
    '100:0:0:1::1',
    '64:ff9b:2::1',
    '64:ff9a::1',
    '200::1',
    '1fff:ffff::1',
    '4000::1',
    '5f00::1',
  ],
  ['reserved', '8000::1', 'e000::1', 'fe00::1', 'fbff::1', '1::', '::1:0:0:0:1', '3ffe::1', '2620:4f:8000::1'],
  ['zone', '2606:4700::1%eth0', '2a00:1450::1%1'],
  [
    'not-an-address',
    '',
    ' ',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.01',
    '1.2.3',
  ],
  [
    'not-an-address',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4/32',
    '[::1]',
    '[::127.0.0.1]',
    '::1::',
    ':::1',
  ],
  [
    'not-an-address',
    'localhost',
    'example.com',
    '::ffff:127.1',
    '1.2.3.4%eth0',
    '::1%',
    '１２７.0.0.1',
    '127。0。0。1',
    '1.2.3.4\0',
  ],
];

const GLOBAL = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '104.18.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.0.3.0',
  '192.88.98.255',
  '192.88.100.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '198.51.99.255',
  '198.51.101.0',
  '203.0.112.255',
  '203.0.114.0',
  '223.255.255.255',
  '2606:4700::1111',
  '2606:4700::1:5efe:7f00:1',
  '2606:4700::5eff:7f00:1',
  '2606:4700:0:5efe:7f00::1',
  '2001:4860:4860::8888',
  '2001:200::1',
  '2001:db7:ffff::1',
  '2001:db9::1',
  '2003::1',
  '2a00:1450::1',
  '2620:4f:8001::1',
  '3ffd::1',
  '3fff:1000::1',
  '2400:cb00::1',
];

describe('AddressGuard', () => {
  const guard = guardWith();

  it.each(REFUSED.flatMap(([reason, ...ips]) => ips.map((ip) => [reason, ip] as const)))(
    'refuses as %s: %j',
    (reason, ip) => {
      expect(judge(guard, ip)).toBe(reason);
    },
  );

  it.each(GLOBAL)('allows the global address %s', (ip) => {
    expect(judge(guard, ip)).toBe('allowed');
  });

  it('refuses every IPv4 address of the special-purpose registry, as the system reads it', () => {
    const special = new BlockList();
    for (const cidr of [
      '0.0.0.0/8',
      '10.0.0.0/8',
      '100.64.0.0/10',
      '127.0.0.0/8',
      '169.254.0.0/16',
      '172.16.0.0/12',
      '192.0.0.0/24',
      '192.0.2.0/24',
      '192.31.196.0/24',
      '192.52.193.0/24',
      '192.88.99.0/24',
      '192.168.0.0/16',
      '192.175.48.0/24',
      '198.18.0.0/15',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '224.0.0.0/4',
      '240.0.0.0/4',
      '168.63.129.16/32',
    ]) {
      const [base = '', length] = cidr.split('/');
      special.addSubnet(base, Number(length), 'ipv4');
    }
    const bytes = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    const near = fc.constantFrom(
      '10.0.0',
      '100.127.255',
      '169.254.169',
      '172.31.255',
      '192.0.0',
      '192.88.99',
      '198.19.255',
      '223.255.255',
    );
    const ips = fc.oneof(
      bytes.map((parts) => parts.join('.')),
      fc.tuple(near, fc.nat(255)).map((parts) => parts.join('.')),
    );
    fc.assert(
      fc.property(ips, (ip) => (judge(guard, ip) === 'allowed') !== special.check(ip, 'ipv4')),
      { numRuns: 5_000 },
    );
  });

  it('judges an IPv6 address the same however it is written, and allows none outside of 2000::/3', () => {
    const group = fc.oneof(
      fc.constantFrom(0, 0xffff, 0x64, 0xff9b, 0x2001, 0x2002, 0xfe80, 0x7f00, 1, 0x2606),
      fc.nat(0xffff),
    );
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (parts) => {
        const full = parts.map((part) => part.toString(16).padStart(4, '0').toUpperCase()).join(':');
        const short = new ipaddr.IPv6(parts).toRFC5952String();
        const dotted = `${full.split(':').slice(0, 6).join(':')}:${[6, 7].flatMap((at) => [(parts[at] ?? 0) >> 8, (parts[at] ?? 0) & 255]).join('.')}`;
        const verdicts = [full, short, dotted].map((ip) => judge(guard, ip));
        const isGlobal = ((parts[0] ?? 0) & 0xe000) === 0x2000;
        return new Set(verdicts).size === 1 && (isGlobal || verdicts[0] !== 'allowed');
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives a verdict for any text', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4Extended(),
      fc.ipV6().map((ip) => `${ip}%a.b-c`),
    );
    fc.assert(
      fc.property(texts, (text) => isIP(text) !== 0 || judge(guard, text) === 'not-an-address'),
      { numRuns: 3_000 },
    );
  });
});

describe('AddressGuard with opened ranges', () => {
  it.each([
    ['127.0.0.0/8', '127.0.0.1', 'allowed'],
    ['127.0.0.0/8', '10.0.0.1', 'private'],
    ['127.0.0.1', '127.0.0.1', 'allowed'],
    ['127.0.0.1', '127.0.0.2', 'loopback'],
    ['127.0.0.0/8', '::1', 'loopback'],
    ['10.0.0.0/8', '::ffff:10.1.2.3', 'allowed'],
    ['10.0.0.0/8', '::ffff:192.168.0.1', 'mapped'],
    ['10.0.0.0/8', '::ffff:8.8.8.8', 'mapped'],
    ['10.0.0.0/8', '64:ff9b::10.1.2.3', 'nat64'],
    ['10.0.0.0/8', '2002:a01:203::', '6to4'],
    ['10.0.0.0/8', '::10.1.2.3', 'compatible'],
    ['10.0.0.0/8', '10.1.2.3%eth0', 'not-an-address'],
    ['::ffff:0:0/96', '::ffff:8.8.8.8', 'allowed'],
    ['::ffff:0:0/96', '::ffff:127.0.0.1', 'loopback'],
    ['::ffff:0:0/96', '127.0.0.1', 'loopback'],
    ['64:ff9b::/96', '64:ff9b::8.8.8.8', 'allowed'],
    ['64:ff9b::/96', '64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b::/96', '64:ff9b::169.254.169.254', 'metadata'],
    ['64:ff9b::/96,10.0.0.0/8', '64:ff9b::10.0.0.1', 'allowed'],
    ['2002::/16', '2002:808:808::1', 'allowed'],
    ['2002::/16', '2002:7f00:1::', 'loopback'],
    ['2001::/32', '2001:0:4136:e378:8000:63bf:80ff:fffe', 'loopback'],
    ['fc00::/7', 'fd12::1', 'allowed'],
    ['fc00::/7', 'fd00:ec2::254', 'metadata'],
    ['fd00:ec2::254', 'fd00:ec2::254', 'allowed'],
    ['169.254.0.0/16', '169.254.1.1', 'allowed'],
    ['169.254.0.0/16', '169.254.169.254', 'metadata'],
    ['169.254.0.0/16', '::ffff:169.254.169.254', 'metadata'],
    ['169.254.169.254/32', '169.254.169.254', 'allowed'],
    ['100.64.0.0/10', '100.100.100.200', 'metadata'],
    ['0.0.0.0/0', '127.0.0.1', 'allowed'],
    ['0.0.0.0/0', '169.254.169.254', 'metadata'],
    ['0.0.0.0/0', '::1', 'loopback'],
    ['fe80::/10', 'fe80::1%eth0', 'link-local'],
    ['fe80::/10', 'fe80::1', 'allowed'],
  ])('with %s open, %s is %s', (ranges, ip, expected) => {
    expect(judge(guardWith({ allowRanges: ranges.split(',') }), ip)).toBe(expected);
  });

  it.each([
    '10/8',
    '10.0.0.0/33',
    '::/129',
    'fd00::/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'localhost',
    '',
    '010.0.0.0/8',
    '0x0a.0.0.0/8',
    '10.0.0.0/ 8',
    '10.0.0.0/08',
  ])('does not take %j for a range', (range) =>
    expect(() => guardWith({ allowRanges: ['10.0.0.0/8', range] })).toThrow('allowRanges[1]'),
  );
});

describe('AddressGuard and its own listeners', () => {
  const open = {
    allowRanges: ['0.0.0.0/0', '::/0'],
    localAddresses: () => ['127.0.0.1', '172.17.0.2', '2606:4700::7', 'fe80::7'],
  };

  it.each([
    ['127.0.0.1', '127.0.0.1', 'own-listener'],
    ['127.0.0.1', '::ffff:127.0.0.1', 'own-listener'],
    ['127.0.0.1', '64:ff9b::127.0.0.1', 'own-listener'],
    ['127.0.0.1', '0.0.0.0', 'own-listener'],
    ['127.0.0.1', '::', 'own-listener'],
    ['127.0.0.1', '127.0.0.2', 'allowed'],
    ['127.0.0.1', '172.17.0.2', 'allowed'],
    ['0.0.0.0', '127.0.0.1', 'own-listener'],
    ['0.0.0.0', '127.9.9.9', 'own-listener'],
    ['0.0.0.0', '172.17.0.2', 'own-listener'],
    ['0.0.0.0', '::ffff:172.17.0.2', 'own-listener'],
    ['0.0.0.0', '172.17.0.3', 'allowed'],
    ['::', '127.0.0.1', 'own-listener'],
    ['::', '::1', 'own-listener'],
    ['::', '2606:4700::7', 'own-listener'],
    ['::', 'fe80::7', 'own-listener'],
    ['::', '2606:4700::8', 'allowed'],
    ['::1', '::', 'own-listener'],
    ['::ffff:172.17.0.2', '172.17.0.2', 'own-listener'],
  ])('listening on %s, a dial to %s is %s, whatever is opened', (address, ip, expected) => {
    const guard = guardWith({ ...open, ownListeners: [{ address, port: 10254 }] });
    expect(judge(guard, ip, 10254)).toBe(expected);
    expect(judge(guard, ip, 10256)).not.toBe('own-listener');
  });

  it("knows this machine's addresses without being told", () => {
    const guard = new AddressGuard({ allowRanges: ['0.0.0.0/0'], ownListeners: [{ address: '0.0.0.0', port: 10254 }] });
    expect(judge(guard, '127.0.0.1', 10254)).toBe('own-listener');
  });

  it('does not take a name for the address of a listener', () => {
    expect(() => guardWith({ ownListeners: [{ address: 'localhost', port: 1 }] })).toThrow('ownListeners[0]');
  });
});
