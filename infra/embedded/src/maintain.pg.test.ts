import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('maintain.ts', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-maintain-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs maintenance in a folder, as the command line does without DATABASE_URL. */
function maintain(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; text: string }> {
  const all = ['--conditions=source', '--import', import.meta.resolve('tsx'), program, ...args];
  const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env } };
  return new Promise((resolve) =>
    execFile(process.execPath, all, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
    ),
  );
}

/** A file that begins as a backup does. */
function backupFile(): string {
  const header = { format: 1, instanceId: '5b7a6c1e-3f0e-4a57-9c43-0f7d9a1f2f10', keyFrom: 'master-key', salt: 'AA==' };
  const json = Buffer.from(JSON.stringify({ ...header, migrations: [] }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  const path = join(folder, 'good.backup');
  writeFileSync(path, Buffer.concat([Buffer.from('ONECLI-BACKUP\n'), length, json]));
  return path;
}

describe('maintenance of a data folder', { timeout: 60_000 }, () => {
  it('makes neither a folder nor a key where there is no OneCLI, and says so', async () => {
    const nowhere = await maintain(['rekey']);
    expect(nowhere).toEqual({ code: 2, text: expect.stringContaining('There is no data folder') as string });
    mkdirSync(join(folder, 'data'));
    const empty = await maintain(['rekey']);
    expect(empty).toEqual({ code: 2, text: expect.stringContaining('holds no database') as string });
    expect(readdirSync(join(folder, 'data'))).toEqual([]);
  });

  it('looks at the backup before anything else', async () => {
    const missing = await maintain(['restore', 'typo.backup', '--confirm', '--passphrase-file', 'pass']);
    expect(missing).toEqual({ code: 1, text: expect.stringContaining('typo.backup cannot be read') as string });
    writeFileSync(join(folder, 'text'), 'this is a text');
    const text = await maintain(['restore', '--passphrase-file', 'pass', 'text']);
    expect(text).toEqual({ code: 1, text: expect.stringContaining('This is no OneCLI backup') as string });
    expect(`${missing.text}${text.text}`).not.toMatch(/ENOENT|at async/);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('restores into a new folder only beside the master key of that day', async () => {
    const file = backupFile();
    mkdirSync(join(folder, 'data'));
    const without = await maintain(['restore', file]);
    expect(without).toEqual({ code: 2, text: expect.stringContaining('put the master key') as string });
    expect(readdirSync(join(folder, 'data'))).toEqual([]);
  });
});
