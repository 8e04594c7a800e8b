import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsFromFiles } from './settings-from-files.ts';

describe('settingsFromFiles', () => {
  it('takes the content of a file in place of its name, without the end of its line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onecli-settings-'));
    try {
      const file = join(folder, 'url');
      writeFileSync(file, 'postgres://owner:canary@db/onecli\n');
      const faults: string[] = [];
      expect(settingsFromFiles({ DATABASE_URL_FILE: file, REDIS_URL: 'redis://r', HOME: '/' }, faults)).toMatchObject({
        DATABASE_URL: 'postgres://owner:canary@db/onecli',
        REDIS_URL: 'redis://r',
        HOME: '/',
      });
      expect(faults).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names a file that is not there and a setting that is given twice, and neither value', () => {
    const faults: string[] = [];
    settingsFromFiles({ DATABASE_URL_FILE: '/canary', REDIS_URL: 'canary', REDIS_URL_FILE: '/canary' }, faults);
    expect(faults).toEqual([
      'DATABASE_URL_FILE: cannot be read (ENOENT): expected a readable file',
      'REDIS_URL_FILE: is set together with REDIS_URL: expected one of the two',
    ]);
  });
});
