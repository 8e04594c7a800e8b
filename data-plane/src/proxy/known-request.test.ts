import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { RepeatedHead } from '../wire/repeated-heads.ts';
import type { Judgement } from './judge-request.ts';
import { type KnownRequest, keepKnown, knownRequest } from './known-request.ts';
import type { StrictRequest } from './strict-request.ts';

const nowMs = Date.UTC(2026, 0, 1);
const agent = sampleAgent('bot');
const keyring = newKeyring();
const configuration = new Configuration(sampleSnapshot({ agents: [agent] }));

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: nowMs }));
afterEach(() => void vi.useRealTimers());

const judgement: Judgement = {
  rules: { allow: [], deny: [], isSilenceMonitored: false, hasWindows: false },
  decision: {
    kind: 'allow',
    rule: undefined,
    secrets: new Set(),
    options: { maxBodyBytes: undefined, limits: [] },
    monitored: undefined,
  },
};

/** A head of which something was kept, with a secret in it that was asked for by its name. */
function kept(more: { readonly previousUntilMs?: number; readonly expiresAtMs?: number; readonly bytes?: Buffer }) {
  const { previousUntilMs, expiresAtMs, bytes = Buffer.from('GET / HTTP/1.1\r\n\r\n') } = more;
  const secret = sealedSecret(keyring, {
    name: 'prod/a',
    values: ['one'],
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(previousUntilMs === undefined ? {} : { previousAlias: { alias: 'sk-old', untilMs: previousUntilMs } }),
  });
  const version = secret.versions.get(1);
  if (!version) throw new Error('no version');
  const used = [{ secret, version, placeholder: 'onecli://prod/a' }];
  const placed = {
    kind: 'placed' as const,
    headers: [],
    target: '/',
    readings: undefined,
    used,
    surfaces: [],
  };
  const request = { kind: 'request' } as StrictRequest;
  const known: KnownRequest = {
    agent,
    grants: new Set(),
    ...judgement,
    request,
    placed,
    wanted: undefined,
    labels: [],
    headers: [],
    bytes,
  };
  const head = new RepeatedHead({
    method: 'GET',
    target: '/',
    minor: 1,
    headers: [],
  });
  keepKnown(head, configuration, () => known);
  return (afterMs: number, by = configuration, of = agent): boolean => {
    vi.setSystemTime(nowMs + afterMs);
    return knownRequest(head, by, of) !== undefined;
  };
}

describe('what is known of a request', () => {
  it('is known under its configuration and for its agent alone', () => {
    const isKnown = kept({});
    expect(isKnown(0)).toBe(true);
    expect(isKnown(0, new Configuration(configuration.snapshot, configuration))).toBe(false);
    expect(isKnown(0, configuration, sampleAgent('bot'))).toBe(false);
  });

  it('ends when a secret expires', () => {
    const isKnown = kept({ expiresAtMs: nowMs + 10 });
    expect([isKnown(9), isKnown(10)]).toEqual([true, false]);
  });

  it('ends when an alias of its secret dies, by whatever else the secret was asked for too', () => {
    const isKnown = kept({ previousUntilMs: nowMs + 10 });
    expect([isKnown(9), isKnown(10)]).toEqual([true, false]);
    expect(kept({ previousUntilMs: nowMs - 1 })(20)).toBe(true);
  });

  it('is not kept when its head is long', () => {
    expect([kept({ bytes: Buffer.alloc(8192) })(0), kept({ bytes: Buffer.alloc(8193) })(0)]).toEqual([true, false]);
  });
});
