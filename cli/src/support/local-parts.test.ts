import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEnvironment } from '../environment.ts';
import { localParts } from './local-parts.ts';
import type { Part } from './part.ts';

let folder: string;
let data: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-parts-'));
  data = join(folder, 'data');
  mkdirSync(join(data, 'logs'), { recursive: true });
  writeFileSync(join(folder, 'credentials'), 'aws_secret_access_key = canary-of-the-user\n');
  writeFileSync(join(data, 'logs/worker-1.log'), 'a line\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const look = (): Map<string, Part> =>
  new Map(localParts(readEnvironment({}), data, 10).map((part) => [part.name.replace('this-machine/', ''), part]));

describe('what is read of a data folder', () => {
  it('is no file that a log is a link to: a folder named data may come from anybody', () => {
    symlinkSync(join(folder, 'credentials'), join(data, 'logs/linked.log'));
    const parts = look();
    expect(JSON.stringify([...parts])).not.toContain('canary');
    expect(parts.get('logs/linked.log')).toMatchObject({ kind: 'missing', reason: 'cannot be read (ELOOP)' });
    expect(parts.get('logs/worker-1.log')).toMatchObject({ kind: 'text', text: 'a line\n' });
  });

  it('is not waited for when it is a pipe', () => {
    execFileSync('mkfifo', [join(data, 'logs/pipe.log')]);
    expect(look().get('logs/pipe.log')).toMatchObject({ kind: 'missing', reason: 'cannot be read (not a file)' });
  });

  it('is told as far as it can be read', () => {
    symlinkSync(join(folder, 'nowhere'), join(data, 'dangling'));
    expect(look().get('data-folder.json')).toMatchObject({ kind: 'text', text: expect.stringContaining('dangling') });
    rmSync(join(data, 'logs'), { recursive: true });
    writeFileSync(join(data, 'logs'), '');
    expect(look().get('logs')).toMatchObject({ kind: 'missing', reason: 'cannot be read (ENOTDIR)' });
  });
});
