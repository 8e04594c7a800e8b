import type { Policy, Rule } from '@onecli/shared/domain/policy';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { until } from './testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from './testing/sample-upstream.ts';
import { SampleWorker } from './testing/sample-worker.ts';

const keyring = newKeyring();
const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const binding = { hosts: [upstreamHost], surfaces: ['path'] as const };
const key = sealedSecret(keyring, { name: 'prod/bot', values: ['12345-value'], binding });
const agents = [{ kind: 'name' as const, name: 'bot' }];
const allow = { effect: 'allow' as const, hosts: [upstreamHost], methods: [], secrets: ['prod/bot'] };

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Every path is allowed; of the one that the secret makes a rule asks for more. */
async function worker(more: Partial<Rule>, others: readonly Policy[] = []) {
  const rules: Rule[] = [
    { ...allow, paths: ['/**'] },
    { ...allow, paths: ['/bot12345-value/**'], ...more },
  ];
  const policies = new Map([{ id: '1', name: 'p', agents, rules }, ...others].map((policy) => [policy.name, policy]));
  const snapshot = sampleSnapshot({ agents: [bot], secrets: [key], policies });
  const upstream = await sampleUpstream();
  const seen: (string | undefined)[] = [];
  const answers: (() => void)[] = [];
  upstream.server.on('request', (request, response) => {
    seen.push(request.url);
    answers.push(() => response.end('ok'));
  });
  const started = new SampleWorker({ keyring, configuration: new Configuration(snapshot), upstream, tokenHash });
  closers.push(() => {
    started.close();
    upstream.close();
  });
  const send = async (path: string, body = ''): Promise<Socket> => {
    const agent = await started.openHttp1();
    agent.resume();
    agent.write(`POST ${path} HTTP/1.1\r\nHost: ${upstreamHost}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return agent;
  };
  const reasons = (): string[] => started.events.map(({ reason }) => reason);
  return { send, seen, answers, reasons, started };
}

const path = '/botonecli://prod/bot/send';
const sentPath = '/bot12345-value/send';

describe('a rule for the path that a secret makes', () => {
  it('bounds its body', async () => {
    const { send, seen, answers, reasons } = await worker({ maxBodyBytes: 4 });
    await send(path, '12345');
    await until(() => reasons().length === 1);
    await send(path, '1234');
    await until(() => answers.length === 1);
    answers[0]?.();
    await until(() => reasons().length === 2);
    expect({ seen, reasons: reasons() }).toEqual({ seen: [sentPath], reasons: ['BODY_TOO_LARGE', 'ALLOWED'] });
  });

  it('bounds how many there are in a time, and no others', async () => {
    const { send, seen, answers, reasons } = await worker({ rateLimit: { requests: 1, perSeconds: 60, by: 'agent' } });
    for (const [count, target] of ['/other', path, '/other', path].entries()) {
      await send(target);
      await until(() => reasons().length > count || answers.length > 0);
      answers.shift()?.();
      await until(() => reasons().length > count);
    }
    expect(seen).toEqual(['/other', sentPath, '/other']);
    expect(reasons()).toEqual(['ALLOWED', 'ALLOWED', 'ALLOWED', 'RATE_LIMITED']);
  });

  it('bounds how many there are at once, until they are over', async () => {
    const { send, answers, reasons, started } = await worker({ maxConcurrent: 1 });
    await send(path);
    await until(() => answers.length === 1);
    await send(path);
    await until(() => reasons().length === 1);
    answers[0]?.();
    await until(() => reasons().length === 2);
    expect(started.plane.policyLimits.underwayCount).toBe(0);
    expect(reasons()).toEqual(['TOO_MANY_CONCURRENT', 'ALLOWED']);
  });

  it('is told of when it would deny, were its policy not in monitor mode', async () => {
    const deny: Rule = {
      effect: 'deny',
      hosts: [upstreamHost],
      methods: [],
      paths: ['/bot12345-value/**'],
      secrets: [],
    };
    const watching: Policy = { id: '2', name: 'watching', agents, rules: [deny], mode: 'monitor' };
    const { send, answers, reasons, started } = await worker({}, [watching]);
    for (const [count, target] of ['/other', path].entries()) {
      await send(target);
      await until(() => answers.length > 0);
      answers.shift()?.();
      await until(() => reasons().length > count);
    }
    const [other, own] = started.events;
    expect([other?.reason, own?.reason, own?.decision]).toEqual(['ALLOWED', 'MONITORED', 'allow']);
    expect(own?.rule).not.toBe(other?.rule);
  });
});
