import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from './replace-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-replace-'));
const path = join(folder, '.env');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(path, { force: true });
  writeFileSync(path, 'A=old\n');
  chmodSync(path, 0o640);
});

describe('replaceFile', () => {
  it('does not overwrite what was saved since the file was read', () => {
    writeFileSync(path, 'A=saved by an editor\n');
    expect(() => replaceFile(path, { from: 'A=old\n', to: 'A=new\n' })).toThrow('was changed meanwhile');
    expect(readFileSync(path, 'utf8')).toBe('A=saved by an editor\n');
    expect(readdirSync(folder)).toEqual(['.env']);
  });

  it('keeps the mode, and a link goes on pointing at the file', () => {
    const link = join(folder, 'link');
    symlinkSync('.env', link);
    replaceFile(link, { from: 'A=old\n', to: 'A=new\n' });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('A=new\n');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    rmSync(link);
  });

  it.runIf(process.getuid?.() === 0)('keeps the owner', () => {
    chownSync(path, 12_345, 54_321);
    replaceFile(path, { from: 'A=old\n', to: 'A=new\n' });
    expect(statSync(path)).toMatchObject({ uid: 12_345, gid: 54_321 });
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });
});
