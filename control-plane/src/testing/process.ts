import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, inject, vi } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';

/** A control plane as a process of its own. */
export class Process {
  readonly child: ChildProcess;
  output = '';
  isReady = false;

  constructor(environment: Record<string, string>) {
    this.child = spawn(process.execPath, [inject('planes').controlPlane], {
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.on('message', (message) => (this.isReady ||= (message as { kind?: string }).kind === 'ready'));
  }

  async ready(timeoutMs = 40_000): Promise<void> {
    await vi.waitFor(() => expect(this.isReady || this.child.exitCode !== null, this.output).toBe(true), timeoutMs);
    expect(this.child.exitCode, this.output).toBeNull();
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.exitCode();
  }
}

/** What a control plane of a database is started with, on a port of its own. */
export async function processEnvironment(databaseUrl: string, password: string) {
  return {
    DATABASE_URL: databaseUrl,
    ONECLI_MASTER_KEY: 'ab'.repeat(32),
    ONECLI_API_PORT: String(await freePort()),
    ONECLI_ADMIN_PASSWORD: password,
    ONECLI_LOG_LEVEL: 'trace',
  };
}
