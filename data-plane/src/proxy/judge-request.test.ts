import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import type { AgentStream, Tunnel } from './agent-stream.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { judgeRequest } from './judge-request.ts';
import type { StrictRequest } from './strict-request.ts';
import { until } from './testing/loopback-pair.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const record = sampleAgent('bot');
const destination = { kind: 'authority', host: 'a.example', port: 443 } as const;
const plane = { trail: { hasRoom: true } } as DataPlane;
const head = { method: 'GET', target: '/', minor: 1, headers: [] } as const;
const request = { destination, isSecure: true, methods: ['GET'], readings: ['/'] } as unknown as StrictRequest;

function configurationOf(revision: number, hosts: string[]): Configuration {
  const rules = [{ effect: 'allow' as const, hosts, paths: [], methods: [], secrets: [] }];
  const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules };
  return new Configuration(sampleSnapshot({ revision, agents: [record], policies: new Map([['p', policy]]) }));
}

function judge(tunnel: Tunnel, configuration: Configuration): string {
  const { identity } = tunnel;
  const judged = judgeRequest(plane, { tunnel } as AgentStream, new Exchange(plane, head, tunnel), {
    configuration,
    identity,
    request,
  });
  return judged.kind === 'judged' ? judged.kind : judged.code;
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
