import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment } from '../environment.ts';
import { findAdminAccess, requireAdminAccess } from './admin-access.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-access-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function leaveAccess(mode = 0o600): void {
  const path = join(folder, 'local-access.json');
  writeFileSync(
    path,
    JSON.stringify({ apiUrl: 'http://127.0.0.1:10255', proxyUrl: 'http://127.0.0.1:10254', token: 'local' }),
  );
  chmodSync(path, mode);
}

const environment = (variables: Record<string, string> = {}) =>
  readEnvironment({ ONECLI_DATA_DIR: folder, ...variables });

describe('admin access', () => {
  it('comes from the file that the gateway left when nothing else is given', () => {
    leaveAccess();
    expect(findAdminAccess(environment(), undefined)).toMatchObject({
      apiUrl: 'http://127.0.0.1:10255',
      authorization: 'Bearer local',
      proxyUrl: 'http://127.0.0.1:10254',
    });
  });

  it('prefers a key, then user and password, to the file', () => {
    leaveAccess();
    const both = { ONECLI_API_KEY: 'key', ONECLI_ADMIN_USER: 'admin', ONECLI_ADMIN_PASSWORD: 'pässword' };
    expect(findAdminAccess(environment(both), undefined)?.authorization).toBe('Bearer key');
    const { ONECLI_API_KEY: _key, ...login } = both;
    const basic = `Basic ${Buffer.from('admin:pässword').toString('base64')}`;
    expect(findAdminAccess(environment(login), undefined)?.authorization).toBe(basic);
  });

  it("never sends the file's token to another gateway", () => {
    leaveAccess();
    expect(findAdminAccess(environment({ ONECLI_API_URL: 'http://elsewhere:10255' }), undefined)).toBeUndefined();
    expect(() => requireAdminAccess(environment(), 'http://127.0.0.1:9')).toThrow(
      'no credentials for http://127.0.0.1:9',
    );
  });

  it('does not use a file that others may read, such as one out of a cloned repository', () => {
    leaveAccess(0o644);
    expect(() => findAdminAccess(environment(), undefined)).toThrow('is not used');
  });

  it('says how to start the gateway when there is none', () => {
    expect(findAdminAccess(environment(), undefined)).toBeUndefined();
    expect(() => requireAdminAccess(environment(), undefined)).toThrow('no running gateway');
  });
});
