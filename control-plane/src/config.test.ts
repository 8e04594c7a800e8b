import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigFault, readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const valid = { DATABASE_URL: 'postgres://u:db-pass@localhost/onecli', ONECLI_MASTER_KEY: 'ab'.repeat(32) };

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
  return [];
}

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('readConfig', () => {
  it('needs a database and a master key, and has defaults for the rest', () => {
    expect(readConfig(valid)).toMatchObject({
      apiPort: 10255,
      bind: '127.0.0.1',
      adminUser: 'admin',
      logLevel: 'info',
    });
  });

  it('lists all faults together, each by its variable', () => {
    const faults = faultsOf({
      ONECLI_MASTER_KEY: 'short',
      ONECLI_API_PORT: '70000',
      ONECLI_BIND: 'nowhere',
      ONECLI_LOG_LEVEL: 'loud',
    });
    for (const name of ['DATABASE_URL', 'ONECLI_MASTER_KEY', 'ONECLI_API_PORT', 'ONECLI_BIND', 'ONECLI_LOG_LEVEL']) {
      expect(faults.filter((fault) => fault.startsWith(`${name}:`))).toHaveLength(1);
    }
  });

  it('never prints a value', () => {
    const canary = 'canary-7c1f';
    const environment = {
      DATABASE_URL: canary,
      ONECLI_MASTER_KEY: canary,
      ONECLI_API_PORT: canary,
      ONECLI_BIND: canary,
      ONECLI_ADMIN_USER: `!${canary}`,
      ONECLI_ADMIN_PASSWORD: 'c4n4ry',
      ONECLI_PROXY_URL: canary,
      ONECLI_LOG_LEVEL: canary,
    };
    const text = faultsOf(environment).join('\n');
    expect(text.split('\n')).toHaveLength(8);
    expect(text).not.toMatch(/canary|c4n4ry/);
  });

  it('counts an empty variable as not set', () => {
    expect(faultsOf({ ...valid, ONECLI_MASTER_KEY: '' })).toEqual([
      expect.stringContaining('ONECLI_MASTER_KEY: is not set'),
    ]);
    expect(readConfig({ ...valid, ONECLI_API_PORT: '' }).apiPort).toBe(10255);
  });

  it('takes key and password from files, without the line end', () => {
    const config = readConfig({
      DATABASE_URL: valid.DATABASE_URL,
      ONECLI_MASTER_KEY_FILE: fileWith('key', `${'cd'.repeat(32)}\n`),
      ONECLI_ADMIN_PASSWORD_FILE: fileWith('password', 'a good password\r\n'),
    });
    expect(config.adminPassword?.reveal()).toBe('a good password');
    expect(JSON.stringify(config)).not.toMatch(/good password|cdcd/);
  });

  it('refuses a value together with its file, and a file that cannot be read', () => {
    expect(faultsOf({ ...valid, ONECLI_MASTER_KEY_FILE: fileWith('other', 'ab'.repeat(32)) })).toHaveLength(1);
    expect(faultsOf({ ...valid, ONECLI_ADMIN_PASSWORD_FILE: join(folder, 'none') })[0]).toMatch(
      /^ONECLI_ADMIN_PASSWORD_FILE: .*ENOENT/,
    );
  });

  it.each(['0', '65536', '-1', '1e3', '0x50', ' 80', 'http'])('refuses the port %j', (port) => {
    expect(faultsOf({ ...valid, ONECLI_API_PORT: port })).toEqual(['ONECLI_API_PORT: expected a port number, 1-65535']);
  });

  it('takes a database on a unix socket', () => {
    expect(faultsOf({ ...valid, DATABASE_URL: 'postgres:///onecli?host=/run/postgresql' })).toEqual([]);
  });
});
