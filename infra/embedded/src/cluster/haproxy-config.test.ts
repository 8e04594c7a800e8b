import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readClusterConfig } from './config.ts';
import { haproxyConfig } from './haproxy-config.ts';

const shipped = fileURLToPath(new URL('../../../haproxy/haproxy.cfg', import.meta.url));
const members = {
  workers: [
    { name: 'worker-1', port: 10_304 },
    { name: 'worker-2', port: 10_305 },
  ],
  controlPlanes: [{ name: 'control-plane-1', port: 10_302 }],
};
const path = `${process.env['PATH']}:/usr/sbin`;
const hasHaproxy = spawnSync('haproxy', ['-v'], { env: { PATH: path } }).status === 0;

/** What HAProxy itself has to say against a configuration. */
function faultsOf(file: string): string {
  const { stderr } = spawnSync('haproxy', ['-c', '-q', '-f', file], { encoding: 'utf8', env: { PATH: path } });
  return stderr;
}

describe('the HAProxy configuration', () => {
  it.skipIf(!hasHaproxy)('is one that HAProxy takes without a warning, as it is shipped', () => {
    expect(faultsOf(shipped)).toBe('');
  });

  it.skipIf(!hasHaproxy)('is taken as a cluster renders it, too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onecli-haproxy-'));
    try {
      writeFileSync(join(folder, 'haproxy.cfg'), haproxyConfig(members));
      expect(faultsOf(join(folder, 'haproxy.cfg'))).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a line for each process, and tells workers alone whose connection it is', () => {
    const servers = haproxyConfig(members)
      .split('\n')
      .filter((line) => line.includes('server ') && line.includes('127.0.0.1'));
    expect(servers).toEqual([
      '  server worker-1 127.0.0.1:10304 send-proxy-v2',
      '  server worker-2 127.0.0.1:10305 send-proxy-v2',
      '  server control-plane-1 127.0.0.1:10302',
    ]);
  });

  it('is not silently rendered without its servers', () => {
    expect(() => haproxyConfig(members, 'backend workers\n')).toThrow('no server-template of worker');
  });
});

describe('readClusterConfig', () => {
  it('needs nothing to be set', () => {
    expect(readClusterConfig([], {})).toMatchObject({
      kind: 'config',
      config: { workers: 4, controlPlanes: 2, redis: 'auto', firstPort: 10_300, each: { proxyPort: 10_254 } },
      warnings: [],
    });
  });

  it('takes flags over variables, and names the faults of both kinds of settings together', () => {
    expect(readClusterConfig(['--workers', '2'], { ONECLI_CLUSTER_WORKERS: '8' })).toMatchObject({
      config: { workers: 2 },
    });
    const read = readClusterConfig([], { ONECLI_CLUSTER_REDIS: 'canary', ONECLI_PROXY_PORT: 'canary' });
    expect(read.kind === 'faults' && read.faults.map((fault) => fault.split(':')[0])).toEqual([
      'ONECLI_PROXY_PORT',
      'ONECLI_CLUSTER_REDIS',
    ]);
    expect(JSON.stringify(read)).not.toContain('canary');
  });
});
