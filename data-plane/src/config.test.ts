import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const key = 'ab'.repeat(32);
const byText = (a: string, b: string): number => (a < b ? -1 : 1);
const good = { DATABASE_URL: 'postgres://u:p@db/onecli', ONECLI_MASTER_KEY: key };

function faultsOf(environment: Record<string, string | undefined>): readonly string[] {
  const read = readConfig(environment);
  return read.kind === 'faults' ? read.faults : [];
}
const named = (environment: Record<string, string | undefined>) =>
  faultsOf(environment).map((fault) => fault.split(':')[0] ?? '');

describe('readConfig', () => {
  it('needs a database and a master key, and has a default for the rest', () => {
    expect(readConfig(good)).toMatchObject({
      kind: 'config',
      config: {
        databaseUrl: good.DATABASE_URL,
        port: 10_254,
        bind: '127.0.0.1',
        takesListener: false,
        name: 'worker-1',
        upstreamRootsPem: undefined,
        allowRanges: [],
        ownListeners: [{ address: '127.0.0.1', port: 10_254 }],
        gatewayNames: new Set(),
        isRefusingInsideTunnel: true,
        drainMs: 10_000,
        logLevel: 'info',
      },
    });
  });

  it('takes what it is given', () => {
    const read = readConfig({
      ...good,
      ONECLI_PROXY_PORT: '8080',
      ONECLI_BIND: '0.0.0.0',
      ONECLI_LISTENER: 'ipc',
      ONECLI_WORKER_NAME: 'w-2',
      ONECLI_ALLOW_RANGES: '10.0.0.0/8, ::1/128 ,',
      ONECLI_CONNECT_TO: 'api.example.com:443=127.0.0.1:8443',
      ONECLI_OWN_LISTENERS: '127.0.0.1:10255, [::1]:10254',
      ONECLI_GATEWAY_NAMES: 'Gateway.corp., gw',
      ONECLI_REFUSE_INSIDE_TUNNEL: 'off',
      ONECLI_LOG_LEVEL: 'debug',
    });
    if (read.kind === 'faults') throw new Error(read.faults.join());
    expect(read.config).toMatchObject({
      port: 8080,
      bind: '0.0.0.0',
      takesListener: true,
      name: 'w-2',
      allowRanges: ['10.0.0.0/8', '::1/128'],
      ownListeners: [
        { address: '0.0.0.0', port: 8080 },
        { address: '127.0.0.1', port: 10_255 },
        { address: '::1', port: 10_254 },
      ],
      gatewayNames: new Set(['gateway.corp', 'gw']),
      isRefusingInsideTunnel: false,
      logLevel: 'debug',
    });
    expect(read.config.connectTo.endpointFor('api.example.com', 443)).toEqual({ host: '127.0.0.1', port: 8443 });
  });

  it('takes the master key from a file, with a line end', () => {
    const path = file('key', `${key}\n`);
    expect(readConfig({ DATABASE_URL: 'postgres://x', ONECLI_MASTER_KEY_FILE: path }).kind).toBe('config');
  });

  it('takes an empty variable for one that is not set', () => {
    const path = file('key2', key);
    const environment = {
      DATABASE_URL: 'x',
      ONECLI_MASTER_KEY: '',
      ONECLI_MASTER_KEY_FILE: path,
      ONECLI_PROXY_PORT: '',
    };
    expect(readConfig(environment)).toMatchObject({ kind: 'config', config: { port: 10_254 } });
  });

  it.each([
    ['no key', { ONECLI_MASTER_KEY: undefined }],
    ['both a key and a file', { ONECLI_MASTER_KEY_FILE: '/nowhere' }],
    ['a file that is not there', { ONECLI_MASTER_KEY: undefined, ONECLI_MASTER_KEY_FILE: '/nowhere/sk-canary' }],
    ['a short key', { ONECLI_MASTER_KEY: 'ab' }],
    ['a key that is no hex', { ONECLI_MASTER_KEY: 'zz'.repeat(32) }],
  ])('refuses %s', (_name, change) => {
    expect(named({ ...good, ...change })).toEqual(['ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE']);
  });

  it.each(['0', '65536', '-1', '1.5', 'x', '10254x', '99999999999', '0x50', '1e3', ' 80 ', '80.0', '080', '+80'])(
    'refuses the port %j',
    (port) => {
      expect(named({ ...good, ONECLI_PROXY_PORT: port })).toEqual(['ONECLI_PROXY_PORT']);
    },
  );

  it.each([
    ['ONECLI_ALLOW_RANGES', '10.0.0.0/33'],
    ['ONECLI_ALLOW_RANGES', '10.0.0.0/8;10.0.0.1'],
    ['ONECLI_ALLOW_RANGES', 'all'],
    ['ONECLI_OWN_LISTENERS', '127.0.0.1'],
    ['ONECLI_OWN_LISTENERS', '::1:80'],
    ['ONECLI_OWN_LISTENERS', '127.0.0.1:0'],
    ['ONECLI_OWN_LISTENERS', '127.0.0.1:99999'],
    ['ONECLI_OWN_LISTENERS', '[::1]:10255,127.0.0.1:0x50'],
    ['ONECLI_OWN_LISTENERS', 'localhost:10255'],
    ['ONECLI_BIND', 'localhost'],
    ['ONECLI_GATEWAY_NAMES', 'http://gateway'],
    ['ONECLI_GATEWAY_NAMES', 'gateway:10254'],
    ['ONECLI_REFUSE_INSIDE_TUNNEL', 'yes'],
    ['ONECLI_DRAIN_MS', '-1'],
    ['ONECLI_DRAIN_MS', '10s'],
    ['ONECLI_DRAIN_MS', '3600001'],
    ['ONECLI_CONNECT_TO', 'a=b:1'],
    ['ONECLI_CONNECT_TO', 'a:1=b:1,a:1=c:1'],
    ['ONECLI_WORKER_NAME', 'Worker One'],
    ['ONECLI_WORKER_NAME', '-x'],
    ['ONECLI_LISTENER', 'tcp'],
    ['ONECLI_LOG_LEVEL', 'loud'],
    ['ONECLI_UPSTREAM_CA_FILE', '/nowhere/ca.pem'],
  ])('refuses %s=%s', (name, value) => {
    expect(named({ ...good, [name]: value })).toEqual([name]);
  });

  it('refuses a CA file without a certificate', () => {
    expect(named({ ...good, ONECLI_UPSTREAM_CA_FILE: file('ca.pem', 'sk-canary') })).toEqual([
      'ONECLI_UPSTREAM_CA_FILE',
    ]);
  });

  it('names all variables that are wrong together, once each', () => {
    const bad = {
      ONECLI_PROXY_PORT: 'x',
      ONECLI_LOG_LEVEL: 'x',
      ONECLI_LISTENER: 'x',
      ONECLI_WORKER_NAME: 'X',
      ONECLI_DRAIN_MS: 'x',
      ONECLI_ALLOW_RANGES: 'x',
      ONECLI_OWN_LISTENERS: 'x',
      ONECLI_UPSTREAM_CA_FILE: '/nowhere',
      ONECLI_CONNECT_TO: 'x',
    };
    expect(named(bad).toSorted(byText)).toEqual(
      [...Object.keys(bad), 'DATABASE_URL', 'ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE'].toSorted(byText),
    );
  });

  it('counts itself among the listeners that agents may not reach, once', () => {
    const read = readConfig({ ...good, ONECLI_OWN_LISTENERS: '127.0.0.1:10254,127.0.0.1:10255' });
    if (read.kind === 'faults') throw new Error(read.faults.join());
    expect(read.config.ownListeners.map(({ address, port }) => `${address}:${port}`)).toEqual([
      '127.0.0.1:10254',
      '127.0.0.1:10255',
    ]);
  });

  it('says what is expected, and never what was there', () => {
    const canary = 'sk-canary-77f1';
    const names = [
      'ONECLI_PROXY_PORT',
      'ONECLI_BIND',
      'ONECLI_LISTENER',
      'ONECLI_WORKER_NAME',
      'ONECLI_LOG_LEVEL',
      'ONECLI_MASTER_KEY',
      'ONECLI_MASTER_KEY_FILE',
      'ONECLI_UPSTREAM_CA_FILE',
      'ONECLI_ALLOW_RANGES',
      'ONECLI_CONNECT_TO',
      'ONECLI_OWN_LISTENERS',
    ];
    const all = Object.fromEntries(names.map((name) => [name, `${canary} A=b`]));
    const faults = [all, ...names.map((name) => ({ ...good, [name]: `${canary}:1=${canary}` }))].flatMap(faultsOf);
    expect(faults.length).toBeGreaterThan(names.length);
    expect(faults.join('\n')).not.toContain('canary');
    expect(faults.join('\n')).not.toContain('postgres://u:p');
    expect(faults.every((fault) => /^[A-Z_]+.*: .*expected|earlier/.test(fault))).toBe(true);
  });

  it('does not print the master key with the configuration', () => {
    const read = readConfig(good);
    expect(JSON.stringify(read)).not.toContain(key);
  });
});

describe('a load balancer that is trusted', () => {
  it.each([
    [undefined, 'optional'],
    ['optional', 'optional'],
    ['required', 'required'],
  ])('by %j has a PROXY header that is %s', (given, kind) => {
    const read = readConfig({ ...good, ONECLI_TRUSTED_PROXIES: '10.1.0.0/24', ONECLI_PROXY_PROTOCOL: given });
    if (read.kind === 'faults') throw new Error(read.faults.join('\n'));
    expect(read.config.trustedProxies.find('10.1.0.7')).toBe(kind);
    expect(read.config.trustedProxies.find('10.1.1.7')).toBeUndefined();
  });

  it('in another way is named', () => {
    expect(named({ ...good, ONECLI_PROXY_PROTOCOL: 'always' })).toEqual(['ONECLI_PROXY_PROTOCOL']);
  });
});
