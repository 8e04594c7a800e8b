import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, inject, it } from 'vitest';

describe('a worker', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 at %s while it waits for its database', async (signal) => {
    const child = spawn(process.execPath, [inject('planes').worker], {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: 'postgres://onecli@127.0.0.1:1/onecli',
        ONECLI_MASTER_KEY: 'ab'.repeat(32),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    try {
      for await (const output of child.stdout) if (String(output).includes('waiting for the database')) break;
      child.kill(signal);
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
