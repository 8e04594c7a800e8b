import type { Binding } from '@onecli/shared/domain/binding';
import { describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import type { PlacementScope } from './placement-scope.ts';
import { SecretOpener } from './open-secret.ts';
import { isTextBound, type PlacedText, placeInText } from './place-in-text.ts';

const keyring = newKeyring();
const binding: Binding = { hosts: ['api.example.com'], surfaces: ['websocket'] };
const secrets = [
  sealedSecret(keyring, { name: 'prod/chat', values: ['canary-1', 'canary-2'], binding }),
  sealedSecret(keyring, { name: 'prod/quoted', values: ['a"b\\c'], binding }),
  sealedSecret(keyring, { name: 'prod/header', values: ['h'] }),
];

function scopeFor(grants: readonly string[], change: Partial<PlacementScope> = {}): PlacementScope {
  const configuration = new Configuration(sampleSnapshot({ secrets }));
  return { configuration, grants: new Set(grants), host: 'api.example.com', port: 443, isSecure: true, ...change };
}

function place(text: string, change?: Partial<PlacementScope>): PlacedText {
  const names = secrets.map(({ name }) => name);
  return placeInText(text, scopeFor(names, change), new SecretOpener(keyring));
}

describe('placeInText', () => {
  it('replaces every placeholder, pinned versions too, and says which left', () => {
    const placed = place('a onecli://prod/chat, b onecli://prod/chat@1; c');
    expect(placed).toMatchObject({ kind: 'placed', text: 'a canary-2, b canary-1; c' });
    expect(placed.kind === 'placed' && placed.used.map(({ version }) => version.version)).toEqual([2, 1]);
  });

  it('in JSON a value stands as JSON has it', () => {
    const placed = place('{"key":"onecli://prod/quoted"}');
    expect(placed.kind === 'placed' && JSON.parse(placed.text)).toEqual({ key: 'a"b\\c' });
    expect(place('key=onecli://prod/quoted')).toMatchObject({ text: 'key=a"b\\c' });
  });

  it('one that may not be replaced stops all', () => {
    expect(place('onecli://prod/chat onecli://prod/none')).toEqual({
      kind: 'refused',
      reason: 'PLACEHOLDER_NOT_GRANTED',
    });
    expect(place('onecli://prod/chat onecli://prod/header')).toEqual({
      kind: 'refused',
      reason: 'PLACEHOLDER_NOT_BOUND',
    });
  });

  it('another host, another port or no TLS: not bound', () => {
    for (const change of [{ host: 'evil.example.com' }, { port: 8443 }, { isSecure: false }]) {
      expect(place('onecli://prod/chat', change)).toEqual({ kind: 'refused', reason: 'PLACEHOLDER_NOT_BOUND' });
    }
  });
});

describe('isTextBound', () => {
  it('asks for one secret that is granted, bound to messages and to the host', () => {
    expect(isTextBound(scopeFor(['prod/header', 'prod/chat']))).toBe(true);
    expect(isTextBound(scopeFor(['prod/header']))).toBe(false);
    expect(isTextBound(scopeFor(['prod/chat'], { host: 'other.example.com' }))).toBe(false);
    expect(isTextBound(scopeFor([]))).toBe(false);
  });
});
