import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFiles } from './find-files.ts';

let folder: string;
const at = (name: string) => join(folder, 'config', name);
const found = () => findFiles([join(folder, 'config')]).map(({ path }) => path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-find-'));
  mkdirSync(join(folder, 'config/below'), { recursive: true });
  mkdirSync(join(folder, 'elsewhere'));
  for (const name of ['config/a.yaml', 'config/below/b.yml', 'config/.hidden.yaml', 'elsewhere/c.yaml'])
    writeFileSync(join(folder, name), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('findFiles', () => {
  it('reads files in folders and below, through links to files too', () => {
    symlinkSync(join(folder, 'elsewhere/c.yaml'), at('c.yaml'));
    symlinkSync(join(folder, 'elsewhere/c.yaml'), at('notes.txt'));
    expect(found()).toEqual([at('a.yaml'), at('below/b.yml'), at('c.yaml')]);
  });

  it('passes over nothing that may hide files: prune would delete what they name', () => {
    const cases: [string, string, string][] = [
      ['c.yaml', '../gone.yaml', 'is a link that leads nowhere'],
      ['team', '../gone', 'is a link that leads nowhere'],
      ['team', '../elsewhere', 'is a link to a folder'],
      ['loop', '.', 'is a link to a folder'],
      ['self.yaml', 'self.yaml', 'cannot be read'],
      ['null.yaml', '/dev/null', 'is no file'],
    ];
    for (const [name, target, message] of cases) {
      symlinkSync(target, at(name));
      expect(found, `${name} → ${target}`).toThrow(`${at(name)} ${message}`);
      unlinkSync(at(name));
    }
  });
});
