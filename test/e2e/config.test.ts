import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { launchOnecli, type StartOptions, startOnecli } from '../support/start-onecli.ts';

async function startBadly(options: StartOptions): Promise<{ code: number | null; log: string }> {
  const onecli = await launchOnecli(options);
  try {
    return { code: await onecli.exitCode(30_000), log: onecli.log };
  } finally {
    await onecli.destroy();
  }
}

describe('configuration', () => {
  it('names every fault at once, with what is expected, and never a value; exit 2', async () => {
    const bad = {
      ONECLI_PROXY_PORT: 'port-value-7731',
      ONECLI_API_PORT: '99999',
      ONECLI_WORKERS: 'many-value-7732',
      ONECLI_BIND: 'nowhere value-7733',
      ONECLI_MASTER_KEY: 'short-value-7734',
      ONECLI_UPSTREAM_CA_FILE: '/absent/value-7735.pem',
      ONECLI_ALLOW_RANGES: '10.0.0.0/99,value-7736',
      ONECLI_CONNECT_TO: 'value-7737',
    };
    const { code, log } = await startBadly({ env: bad });
    expect(code, log).toBe(2);
    for (const name of Object.keys(bad)) expect(log).toContain(name);
    expect(log).not.toMatch(/value-77|99999/);
    expect(log).not.toMatch(/at \S+:\d+:\d+/);
  });

  it('one fault is one line that says what is expected', async () => {
    const { code, log } = await startBadly({ env: { ONECLI_PROXY_PORT: 'x' } });
    expect(code).toBe(2);
    expect(log).toContain('ONECLI_PROXY_PORT');
    expect(log).not.toContain('ONECLI_API_PORT:');
  });

  it('the same port twice is a fault', async () => {
    const { code, log } = await startBadly({ ports: [18_080, 18_080] });
    expect(code, log).toBe(2);
  });

  it('a master key in the environment and in a file at once is a fault', async () => {
    const env = { ONECLI_MASTER_KEY: 'a'.repeat(64), ONECLI_MASTER_KEY_FILE: '/dev/null' };
    const { code, log } = await startBadly({ env });
    expect(code, log).toBe(2);
    expect(log).not.toContain('a'.repeat(64));
  });

  it('another master key than the folder was made with is refused, and the right one opens it again', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'onecli-data-'));
    try {
      const right = { ONECLI_MASTER_KEY: '1'.repeat(64) };
      await (await startOnecli({ dataFolder, env: right })).stop();
      const { code, log } = await startBadly({ dataFolder, env: { ONECLI_MASTER_KEY: '2'.repeat(64) } });
      expect(code, log).not.toBe(0);
      expect(log).toMatch(/master key/i);
      expect(log).not.toMatch(/1{64}|2{64}/);
      await (await startOnecli({ dataFolder, env: right })).stop();
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});
