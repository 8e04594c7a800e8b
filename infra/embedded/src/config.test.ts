import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

function faultsOf(environment: Record<string, string>, argv: string[] = []): readonly string[] {
  const read = readConfig(argv, environment);
  return read.kind === 'faults' ? read.faults : [];
}

describe('readConfig', () => {
  it('needs nothing to be set', () => {
    expect(readConfig([], {})).toMatchObject({
      kind: 'config',
      config: {
        workers: 1,
        proxyPort: 10254,
        apiPort: 10255,
        bind: '127.0.0.1',
        adminUser: 'admin',
        masterKey: { kind: 'data-folder' },
      },
      warnings: [],
    });
  });

  it('lists all faults together, by variable, and never a value', () => {
    const faults = faultsOf({
      ONECLI_PROXY_PORT: '70000-canary',
      ONECLI_WORKERS: 'canary',
      ONECLI_MASTER_KEY: 'canary',
      ONECLI_ADMIN_PASSWORD: 'canary',
      ONECLI_ALLOW_RANGES: '10.0.0.0/33,canary',
      ONECLI_CONNECT_TO: 'canary',
      ONECLI_UPSTREAM_CA_FILE: '/canary',
      ONECLI_BIND: 'canary',
      ONECLI_LOG_LEVEL: 'canary',
    });
    expect(faults.map((fault) => fault.split(':')[0] ?? '').sort((a, b) => a.localeCompare(b))).toEqual([
      'ONECLI_ADMIN_PASSWORD',
      'ONECLI_ALLOW_RANGES',
      'ONECLI_BIND',
      'ONECLI_CONNECT_TO',
      'ONECLI_LOG_LEVEL',
      'ONECLI_MASTER_KEY',
      'ONECLI_PROXY_PORT',
      'ONECLI_UPSTREAM_CA_FILE',
      'ONECLI_WORKERS',
    ]);
    for (const fault of faults) expect(fault).toContain('expected');
    expect(faults.join('\n')).not.toContain('canary');
  });

  it('refuses a master key from two places, and one port for two purposes', () => {
    const key = 'ab'.repeat(32);
    expect(faultsOf({ ONECLI_MASTER_KEY: key, ONECLI_MASTER_KEY_FILE: '/dev/null' }).join()).toContain('set together');
    expect(faultsOf({ ONECLI_PROXY_PORT: '10255' }).join()).toContain('two ports');
  });

  it('lets a flag win over its variable and treats an empty variable as not set', () => {
    const read = readConfig(['--proxy-port', '8080', '--data-dir=/tmp/x'], {
      ONECLI_PROXY_PORT: '9090',
      ONECLI_WORKERS: '',
    });
    expect(read).toMatchObject({ kind: 'config', config: { proxyPort: 8080, dataDir: '/tmp/x', workers: 1 } });
  });

  it('has no flag for a secret and does not repeat what an unknown flag carried', () => {
    expect(faultsOf({}, ['--admin-password=canary-value'])).toHaveLength(1);
    expect(faultsOf({}, ['--admin-password=canary-value']).join()).not.toContain('canary-value');
    expect(faultsOf({}, ['canary-value']).join()).not.toContain('canary-value');
  });

  it('names a variable that it does not know, which may be a misspelt one', () => {
    expect(readConfig([], { ONECLI_PROXYPORT: '1', ONECLI_AGENT: 'x' })).toMatchObject({
      kind: 'config',
      warnings: ['ONECLI_PROXYPORT is not a variable of OneCLI: it has no effect.'],
    });
  });

  it('hands on the path and what Node reads, and nothing else of the environment', () => {
    const read = readConfig([], { PATH: '/bin', NODE_OPTIONS: '', OPENAI_API_KEY: 'sk', ONECLI_CONNECT_TO: 'a:1=b:2' });
    expect(read).toMatchObject({
      config: { inheritedEnvironment: { PATH: '/bin' }, workerSettings: { ONECLI_CONNECT_TO: 'a:1=b:2' } },
    });
    expect(JSON.stringify(read)).not.toContain('OPENAI');
  });

  it('explains every flag', () => {
    const read = readConfig(['--help'], {});
    expect(read.kind === 'help' && read.text).toContain('--connect-to');
  });
});
