import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PassphraseFileFault, readPassphraseFile } from './passphrase-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-passphrase-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(content: string): string {
  const path = join(folder, 'pass');
  writeFileSync(path, content);
  return readPassphraseFile(path);
}

describe('readPassphraseFile', () => {
  it('takes the first line, whatever follows it and however it ends', () => {
    for (const rest of ['', '\n', '\r\n', '\n\n', '\nmade on Monday\n', '\r\nmore']) {
      expect(read(`correct horse battery${rest}`)).toBe('correct horse battery');
    }
    expect(read(' spaces count \n')).toBe(' spaces count ');
  });

  it('says what is wrong with a file that is not there, or empty', () => {
    expect(() => readPassphraseFile(join(folder, 'none'))).toThrow(PassphraseFileFault);
    expect(() => readPassphraseFile(join(folder, 'none'))).toThrow('cannot be read');
    expect(() => read('\nlater\n')).toThrow('in its first line');
  });
});
