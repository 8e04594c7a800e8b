import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Identity } from '../identity/identify.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import type { AgentStream } from './agent-stream.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { type JudgedRequest, judgeRequest } from './judge-request.ts';
import { refuseWithdrawn } from './refuse-withdrawn.ts';
import type { StrictRequest } from './strict-request.ts';

const nowMs = Date.UTC(2026, 0, 1);
const keyring = newKeyring();
const token = { hash: 'aa', expiresAtMs: nowMs + 60_000 };
const bot = sampleAgent('bot', { tokens: [token] });
const key = sealedSecret(keyring, {
  name: 'prod/a',
  values: ['one', 'two'],
  expiresAtMs: nowMs + 30_000,
});
const destination = {
  kind: 'authority',
  host: 'api.example.com',
  port: 443,
} as const;
const request = {
  destination,
  isSecure: true,
  path: '/v1',
  methods: ['POST'],
  readings: ['/v1'],
} as unknown as StrictRequest;
const head = { method: 'POST', target: '/v1', minor: 1, headers: [] } as const;

interface Parts {
  readonly secret?: SecretRecord | undefined;
  readonly granted?: string[];
  readonly paths?: string[];
  readonly agent?: typeof bot;
}

function configurationOf(revision: number, parts: Parts = {}, unconfirmedMs = 0): Configuration {
  const { agent = bot, granted = ['prod/a'], paths = [] } = parts;
  const secret = 'secret' in parts ? parts.secret : key;
  const rules = [
    {
      effect: 'allow' as const,
      hosts: ['api.example.com'],
      paths,
      methods: [],
      secrets: granted,
    },
  ];
  const policy = {
    id: '1',
    name: 'p',
    agents: [{ kind: 'name' as const, name: 'bot' }],
    rules,
  };
  const policies = new Map([['p', policy]]);
  return new Configuration(
    sampleSnapshot({
      revision,
      agents: [agent],
      policies,
      secrets: secret === undefined ? [] : [secret],
    }),
    undefined,
    { unconfirmedMs },
  );
}

const first = configurationOf(1);

/** What becomes of a request with the first version of the key that was judged at the beginning, when its body is there. */
function held(
  current: Configuration,
  afterMs: number,
  judgedBy: Configuration = first,
  secret: SecretRecord = key,
): string | undefined {
  const peer = { source: undefined, certificate: undefined };
  const presented = {
    kind: 'presented' as const,
    peer,
    token: { hash: 'aa', user: 'bot' },
    jwt: undefined,
    headers: [],
  };
  const identity: Identity = {
    kind: 'identity',
    agent: bot,
    presented,
    revision: 1,
    untilMs: token.expiresAtMs,
  };
  const plane = {
    trail: { hasRoom: true },
    configuration: { current },
  } as unknown as DataPlane;
  const agent = { tunnel: undefined } as AgentStream;
  const exchange = new Exchange(plane, head);
  exchange.accept(request);
  const served = { plane, agent, head, exchange };
  vi.setSystemTime(nowMs);
  const judged = judgeRequest(served, {
    configuration: judgedBy,
    identity,
    request,
  }) as JudgedRequest;
  expect(judged.kind).toBe('judged');
  vi.setSystemTime(nowMs + afterMs);
  const version = key.versions.get(1);
  if (!version) throw new Error('no version');
  const used = [{ secret, version, placeholder: 'onecli://prod/a@1' }];
  return refuseWithdrawn(served, judged, ['/v1'], used)?.code;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

describe('a request whose body was waited for', () => {
  it('leaves while all is as it was, and when what changed is not its own', () => {
    expect(held(first, 0)).toBeUndefined();
    expect(held(first, 20_000)).toBeUndefined();
    expect(held(configurationOf(2), 0)).toBeUndefined();
    const anew = {
      ...key,
      binding: { ...key.binding },
      versions: new Map(key.versions),
      alias: 'x',
    };
    expect(held(configurationOf(2, { secret: anew }), 0)).toBeUndefined();
  });

  it('does not leave with a secret that has expired meanwhile', () => {
    expect(held(first, 30_000)).toBe('SECRET_EXPIRED');
    expect(held(configurationOf(2, { secret: { ...key, expiresAtMs: nowMs } }), 0)).toBe('SECRET_EXPIRED');
  });

  it('does not leave with a secret whose lease is over, until the store has confirmed it', () => {
    const leased = { ...key, leaseSeconds: 5 };
    expect(held(configurationOf(2, { secret: leased }, 5_000), 0)).toBeUndefined();
    expect(held(configurationOf(2, { secret: leased }, 5_001), 0)).toBe('SECRET_LEASE_EXPIRED');
    expect(held(configurationOf(2, {}, Number.POSITIVE_INFINITY), 0)).toBeUndefined();
    // Under the configuration that it was judged by, too.
    const same = configurationOf(1, { secret: leased }, 6_000);
    expect(held(same, 0, same, leased)).toBe('SECRET_LEASE_EXPIRED');
  });

  it.each<[string, Parts]>([
    ['not granted any more', { granted: [] }],
    ['gone', { secret: undefined }],
    ['another one of its name', { secret: { ...key, id: 'another' } }],
    ['disabled', { secret: { ...key, isDisabled: true } }],
    ['without that version', { secret: { ...key, versions: new Map([...key.versions].slice(1)) } }],
    ['bound elsewhere', { secret: { ...key, binding: { ...key.binding, hosts: ['b.example'] } } }],
  ])('does not leave with a secret that is %s', (_name, parts) => {
    expect(held(configurationOf(2, parts), 0)).toBe('PLACEHOLDER_NOT_GRANTED');
  });

  it('does not leave when policy does not allow it any more, or its agent is nobody any more', () => {
    expect(held(configurationOf(2, { paths: ['/v2'] }), 0)).toBe('POLICY_DENIED');
    expect(held(configurationOf(2, { agent: sampleAgent('bot') }), 0)).toBe('PROXY_AUTH_INVALID');
    expect(held(first, 60_000)).toBe('PROXY_AUTH_INVALID');
  });
});
