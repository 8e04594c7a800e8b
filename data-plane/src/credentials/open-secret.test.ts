import { inspect } from 'node:util';
import type { SealedVersion, SecretRecord } from '@onecli/shared/domain/snapshot';
import { describe, expect, it } from 'vitest';
import { newKeyring, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { SecretOpener } from './open-secret.ts';

const keyring = newKeyring();
const secret = sealedSecret(keyring, { name: 'prod/a', values: ['sk-canary-1', 'sk-canary-2'] });
const other = sealedSecret(keyring, { name: 'prod/b', values: ['sk-canary-3'] });

function versionOf({ versions }: SecretRecord, version: number): SealedVersion {
  const found = versions.get(version);
  if (!found) throw new Error(`no version ${version}`);
  return found;
}

describe('SecretOpener', () => {
  it('opens each version as what it was', () => {
    const opener = new SecretOpener(keyring);
    expect(opener.open(secret, versionOf(secret, 1)).reveal()).toBe('sk-canary-1');
    expect(opener.open(secret, versionOf(secret, 2)).reveal()).toBe('sk-canary-2');
  });

  it('opens a row once', () => {
    const opener = new SecretOpener(keyring);
    const first = opener.open(secret, versionOf(secret, 1));
    expect(opener.open(secret, versionOf(secret, 1))).toBe(first);
  });

  it('does not take a row that was replaced for the one it knew', () => {
    const opener = new SecretOpener(keyring);
    opener.open(secret, versionOf(secret, 1));
    const altered = { ...versionOf(secret, 1), sealed: versionOf(secret, 2).sealed };
    expect(() => opener.open(secret, altered)).toThrow(expect.objectContaining({ code: 'CANNOT_OPEN' }) as Error);
  });

  it('does not give an opened row to another secret, or to the same one bound elsewhere', () => {
    const opener = new SecretOpener(keyring);
    const row = versionOf(secret, 1);
    opener.open(secret, row);
    expect(() => opener.open(other, row)).toThrow('Cannot open');
    const repointed = { ...secret, binding: { ...secret.binding, hosts: ['evil.example.net'] } };
    expect(() => opener.open(repointed, row)).toThrow('Cannot open');
    expect(opener.open(secret, row).reveal()).toBe('sk-canary-1');
  });

  it('says nothing of what it opened', () => {
    const opener = new SecretOpener(keyring);
    const value = opener.open(secret, versionOf(secret, 1));
    expect(`${inspect(opener, { depth: 9, showHidden: true })}${JSON.stringify(value)}${String(value)}`).not.toContain(
      'canary',
    );
  });
});
