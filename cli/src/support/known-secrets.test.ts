import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEnvironment } from '../environment.ts';
import { knownSecrets, withoutSecrets } from './known-secrets.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-known-'));
  mkdirSync(join(folder, 'onecli'));
  writeFileSync(join(folder, 'master.key'), `${'a1'.repeat(32)}\n`);
  writeFileSync(join(folder, 'local-access.json'), '{"token": "local-token-1"}');
  writeFileSync(join(folder, 'onecli/agents.json'), '{"http://x":{"bot":{"token": "agent-token-1"}}}');
  writeFileSync(join(folder, 'password'), 'from-a-file\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('secrets that are known on this machine', () => {
  it('are those of the environment, of its files, of the data folder, and what the user saved', () => {
    const environment = readEnvironment({
      XDG_CONFIG_HOME: folder,
      ONECLI_API_KEY: 'api-key-1',
      ONECLI_ADMIN_PASSWORD_FILE: join(folder, 'password'),
      DATABASE_URL: 'postgres://u:p%40ssword-1@db/x',
      PATH: '/bin',
    });
    expect(knownSecrets(environment, folder).sort()).toEqual(
      [
        'a1'.repeat(32),
        'agent-token-1',
        'api-key-1',
        'from-a-file',
        'local-token-1',
        'p%40ssword-1',
        'p@ssword-1',
      ].sort(),
    );
  });

  it('are found in every spelling, and at any place of something longer', () => {
    const secret = 'P@ss "word" 41';
    const spelt = [
      secret,
      JSON.stringify({ a: secret }),
      `https://x/?p=${encodeURIComponent(secret)}`,
      Buffer.from(secret).toString('hex'),
      ...['', 'u', 'uu', 'user:'].map((before) => Buffer.from(`${before}${secret}`).toString('base64')),
      Buffer.from(secret).toString('base64url'),
    ];
    for (const text of spelt) expect(withoutSecrets(text, [secret]), text).toContain('[hidden]');
    expect(withoutSecrets('nothing here', [secret])).toBe('nothing here');
  });
});
