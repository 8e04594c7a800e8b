import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tarFile } from './tar-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'onecli-tar-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a bundle’s archive', () => {
  it('is one that tar unpacks, with every byte, whatever the lengths', () => {
    const texts = ['', 'x', 'ü'.repeat(256), 'y'.repeat(512), 'z'.repeat(100_001)];
    const files = texts.map((text, index) => ({ name: `a/b-${index}.txt`, text }));
    writeFileSync(join(folder, 'x.tar.gz'), tarFile(files, new Date('2026-01-02T03:04:05Z')));
    const { status, stderr } = spawnSync('tar', ['-xzf', 'x.tar.gz'], { cwd: folder, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(files.map(({ name }) => readFileSync(join(folder, name), 'utf8'))).toEqual(texts);
    expect(statSync(join(folder, 'a/b-1.txt')).mtime.toISOString()).toBe('2026-01-02T03:04:05.000Z');
  });

  it('has no name that leads anywhere else', () => {
    for (const name of ['', 'ä', 'a b', `${'x'.repeat(101)}`])
      expect(() => tarFile([{ name, text: '' }], new Date())).toThrow(RangeError);
  });
});
