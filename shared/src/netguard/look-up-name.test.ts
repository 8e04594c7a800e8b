import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NameLookup } from './look-up-name.ts';
import { DnsServer } from './testing/dns-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-hosts-'));
const hostsFile = join(folder, 'hosts');
let dns: DnsServer;
const askedOfSystem: string[] = [];

beforeAll(async () => {
  dns = await DnsServer.start({
    'both.example': [
      { address: '8.8.8.8', ttl: 60 },
      { address: '2606:4700::1111', ttl: 30 },
    ],
    'four.example': [{ address: '8.8.4.4', ttl: 7 }],
    'fixed.example': [{ address: '8.8.8.8', ttl: 60 }],
    'later.example': [{ address: '8.8.8.8', ttl: 60 }],
  });
  writeFileSync(
    hostsFile,
    '# names\n10.9.8.7 Fixed.example other # fixed.example\nfd00::7\tfixed.example\nnot an address\n',
  );
});
afterAll(async () => {
  await dns.close();
  rmSync(folder, { recursive: true });
});

const names = (options: { hostsFile?: string } = {}): NameLookup =>
  new NameLookup({
    hostsFile,
    dnsServers: [dns.address],
    lookupAll: (host) => {
      askedOfSystem.push(host);
      return Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
    },
    ...options,
  });
const sorted = async (lookup: NameLookup, host: string) =>
  (await lookup.all(host)).toSorted((one, other) => one.family - other.family);

describe('NameLookup', () => {
  it('takes a name from the hosts file, in any letter case, and then asks nobody', async () => {
    dns.asked.length = 0;
    expect(await names().all('fixed.example')).toEqual([
      { address: '10.9.8.7', family: 4 },
      { address: 'fd00::7', family: 6 },
    ]);
    expect(await names().all('other')).toEqual([{ address: '10.9.8.7', family: 4 }]);
    expect(dns.asked).toEqual([]);
  });

  it('asks DNS for both families and says how long the answers hold', async () => {
    expect(await sorted(names(), 'both.example')).toEqual([
      { address: '8.8.8.8', family: 4, ttlSeconds: 60 },
      { address: '2606:4700::1111', family: 6, ttlSeconds: 30 },
    ]);
    expect(await names().all('four.example')).toEqual([{ address: '8.8.4.4', family: 4, ttlSeconds: 7 }]);
  });

  it('sees a hosts file that has changed', async () => {
    const path = join(folder, 'changing');
    writeFileSync(path, '');
    const lookup = names({ hostsFile: path });
    expect(await lookup.all('later.example')).toMatchObject([{ address: '8.8.8.8' }]);
    writeFileSync(path, '10.0.0.1 later.example\n');
    expect(await lookup.all('later.example')).toEqual([{ address: '10.0.0.1', family: 4 }]);
  });

  it('does without a hosts file', async () => {
    expect(await names({ hostsFile: join(folder, 'none') }).all('four.example')).toMatchObject([{ ttlSeconds: 7 }]);
  });

  it('leaves what DNS does not know to the system, which has search domains', async () => {
    askedOfSystem.length = 0;
    await expect(names().all('gone.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(askedOfSystem).toEqual(['gone.example']);
  });

  it.each(['lone', 'printer.local', '127.1', '0x7f.1', '1.0x7f000001'])(
    'leaves %s to the system alone',
    async (host) => {
      dns.asked.length = 0;
      await expect(names().all(host)).rejects.toMatchObject({ code: 'ENOTFOUND' });
      expect(dns.asked).toEqual([]);
    },
  );
});
