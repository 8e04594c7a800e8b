import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { findFiles } from './find-files.ts';
import { readDocuments } from './read-documents.ts';
import { resolveValues } from './resolve-values.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-as-code-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}
const secrets = (...froms: string[]) =>
  `apiVersion: onecli/v1\nsecrets:\n${froms.map((from, index) => `  - { name: prod/s${index}, valueFrom: ${from} }\n`).join('')}`;
const valuesOf = (path: string, variables: Record<string, string> = {}, isStdinTaken = true) =>
  Object.fromEntries(
    resolveValues(readConfiguration(findFiles([path]).flatMap(readDocuments)), { variables, isStdinTaken }),
  );
const faultOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};

describe('resolveValues', () => {
  it('reads variables, and files beside the file that names them', () => {
    file('deep/keys/stripe', 'sk_live\n');
    const path = file('deep/onecli.yaml', secrets('{ env: KEY }', '{ file: keys/stripe }'));
    expect(valuesOf(path, { KEY: 'value' })).toEqual({ 0: 'value', 1: 'sk_live' });
  });

  it('tells all that is missing at once, with its place and without any value', () => {
    file('empty', '\n');
    file('large', 'x'.repeat(70_000));
    file('binary', Buffer.from([0xff, 0xfe]).toString('latin1'));
    const path = file(
      'a.yaml',
      secrets(
        '{ env: GONE }',
        '{ file: gone }',
        '{ file: empty }',
        '{ file: large }',
        '{ stdin: true }',
        '{ stdin: true }',
      ),
    );
    const said = faultOf(() => valuesOf(path, { OTHER: 'sk-canary' }));
    expect(said.split('\n')).toHaveLength(7);
    for (const part of [
      'a.yaml:3:',
      'GONE is not set',
      'gone cannot be read',
      'empty is empty',
      'larger than 64 KB',
      'stdin',
    ])
      expect(said).toContain(part);
    expect(said).not.toContain('canary');
  });

  it('does not read for ever where a file never ends', () => {
    expect(faultOf(() => valuesOf(file('a.yaml', secrets('{ file: /dev/zero }'))))).toContain('larger than 64 KB');
  });
});

describe('findFiles', () => {
  it('reads a folder and those below in the order of names, and passes over what is hidden and what is no YAML', () => {
    for (const name of ['b.yaml', 'a/z.yml', '.github/workflows/x.yaml', 'node_modules/y.yaml', 'readme.md', 'c.YAML'])
      file(name, 'apiVersion: onecli/v1\n');
    expect(findFiles([folder]).map(({ path }) => path.slice(folder.length + 1))).toEqual([
      'a/z.yml',
      'b.yaml',
      'c.YAML',
    ]);
  });

  it('says what is not there, what has no YAML, and what is too large', () => {
    expect(faultOf(() => findFiles([join(folder, 'gone')]))).toContain('there is no');
    expect(faultOf(() => findFiles([folder]))).toContain('has no *.yaml');
    expect(faultOf(() => findFiles(['/dev/zero']))).toContain('larger than 8 MB');
    expect(faultOf(() => findFiles([file('x.yaml', '')]))).toBe('none');
  });
});
