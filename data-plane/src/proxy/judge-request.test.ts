import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TimeWindow } from '@onecli/shared/domain/time-window';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import type { AgentStream, Tunnel } from './agent-stream.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import type { Refusal } from './answer.ts';
import { type JudgedRequest, type Judgement, judgeRequest } from './judge-request.ts';
import type { StrictRequest } from './strict-request.ts';
import { until } from './testing/loopback-pair.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const record = sampleAgent('bot');
const destination = { kind: 'authority', host: 'a.example', port: 443 } as const;
const plane = { trail: { hasRoom: true } } as DataPlane;
const head = { method: 'GET', target: '/', minor: 1, headers: [] } as const;
const request = { destination, isSecure: true, methods: ['GET'], readings: ['/'] } as unknown as StrictRequest;

function configurationOf(revision: number, hosts: string[], windows?: readonly TimeWindow[]): Configuration {
  const rules = [{ effect: 'allow' as const, hosts, paths: [], methods: [], secrets: [], ...(windows && { windows }) }];
  const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules };
  return new Configuration(sampleSnapshot({ revision, agents: [record], policies: new Map([['p', policy]]) }));
}

function judgement(tunnel: Tunnel, configuration: Configuration, known?: Judgement): JudgedRequest | Refusal {
  const asked = { configuration, identity: tunnel.identity, request };
  const served = { plane, agent: { tunnel } as AgentStream, exchange: new Exchange(plane, head, tunnel) };
  return judgeRequest(served, asked, known);
}

function judge(tunnel: Tunnel, configuration: Configuration, known?: Judgement): string {
  const judged = judgement(tunnel, configuration, known);
  return judged.kind === 'judged' ? judged.kind : judged.code;
}

function judgedOnce(tunnel: Tunnel, configuration: Configuration): JudgedRequest {
  const judged = judgement(tunnel, configuration);
  if (judged.kind !== 'judged') throw new Error(judged.code);
  return judged;
}

function newTunnel(): Tunnel {
  const identity = { kind: 'identity', agent: record } as Tunnel['identity'];
  return { identity, destination, isSecure: true, poolKey: 'bot', rules: undefined };
}

describe('judgeRequest and what a tunnel remembers', () => {
  it('goes by the rules of the configuration that the request has', () => {
    const tunnel = newTunnel();
    const first = configurationOf(1, ['a.example']);
    expect([judge(tunnel, first), judge(tunnel, first)]).toEqual(['judged', 'judged']);
    const known = tunnel.rules?.hostRules;
    expect([judge(tunnel, first), tunnel.rules?.hostRules === known]).toEqual(['judged', true]);
    expect(judge(tunnel, configurationOf(2, ['b.example']))).toBe('POLICY_DENIED');
    expect(judge(tunnel, configurationOf(3, ['a.example']))).toBe('judged');
  });

  it('keeps no configuration alive that is not in force any more', async () => {
    const tunnel = newTunnel();
    const ask = (): WeakRef<Configuration> => {
      const configuration = configurationOf(1, ['a.example']);
      judge(tunnel, configuration);
      return new WeakRef(configuration);
    };
    const asked = ask();
    await until(() => {
      collectGarbage();
      return asked.deref() === undefined;
    });
    expect(tunnel.rules).toBeDefined();
  });
});

describe('judgeRequest and what was decided of the same head before', () => {
  afterEach(() => void vi.useRealTimers());

  it('says it again for as long as the same rules hold, and asks others', () => {
    const tunnel = newTunnel();
    const configuration = configurationOf(1, ['a.example']);
    const known = judgedOnce(tunnel, configuration);
    expect(judgement(tunnel, configuration, known)).toMatchObject({ kind: 'judged', decision: known.decision });
    expect(judge(tunnel, configurationOf(2, ['b.example']), known)).toBe('POLICY_DENIED');
  });

  it('asks each time where a rule holds at certain times', () => {
    const noon = Date.UTC(2026, 0, 1, 12);
    vi.useFakeTimers({ toFake: ['Date'], now: noon - 1 });
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
    const configuration = configurationOf(1, ['a.example'], [{ days, from: '00:00', to: '12:00', zone: 'UTC' }]);
    const tunnel = newTunnel();
    const known = judgedOnce(tunnel, configuration);
    expect(judge(tunnel, configuration, known)).toBe('judged');
    vi.setSystemTime(noon);
    expect(judge(tunnel, configuration, known)).toBe('POLICY_DENIED');
  });
});
