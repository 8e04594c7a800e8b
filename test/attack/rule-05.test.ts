// A secret leaves only over verified TLS, to a host it is bound to, on a surface of its binding, for an agent that is granted it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { boundHost, otherHost, startWorld, type World } from '../support/world.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const badHosts = ['expired.example', 'unknown-authority.example', 'wrong-name.example'] as const;
let world: World;
let plain: RecordingUpstream;
let folder: string;
const bad = new Map<string, RecordingUpstream>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-rule5-'));
  const authority = makeTestAuthority(join(folder, 'trusted'));
  const foreign = makeTestAuthority(join(folder, 'foreign'));
  bad.set('expired.example', await startUpstream({ leaf: authority.issue(['expired.example'], -1) }));
  bad.set('unknown-authority.example', await startUpstream({ leaf: foreign.issue(['unknown-authority.example']) }));
  bad.set('wrong-name.example', await startUpstream({ leaf: authority.issue(['right-name.example']) }));
  plain = await startUpstream();
  const leaf = authority.issue([boundHost, otherHost]);
  const connectTo = [...bad].map(([host, upstream]) => `${host}:443=127.0.0.1:${upstream.port}`);
  world = await startWorld({
    connectTo: [...connectTo, `${boundHost}:80=127.0.0.1:${plain.port}`, `${otherHost}:80=127.0.0.1:${plain.port}`],
    upstream: { leaf },
    start: { upstreamCaFile: authority.caFile },
    rules: [
      {
        allow: {
          hosts: [boundHost, otherHost, ...badHosts, `${boundHost}:80`, `${otherHost}:80`],
          secrets: ['prod/openai'],
        },
      },
    ],
  });
  await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', {
    binding: { hosts: [boundHost, `${boundHost}:80`, ...badHosts], surfaces: ['header', 'basic'] },
  });
  const binding = { hosts: [boundHost], surfaces: ['header'] };
  await world.onecli.must('POST', '/api/secrets', {
    name: 'prod/header-only',
    value: `${world.canary}-header-only`,
    binding,
  });
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      {
        allow: {
          hosts: [boundHost, otherHost, ...badHosts, `${boundHost}:80`, `${otherHost}:80`],
          secrets: ['prod/openai', 'prod/header-only'],
        },
      },
    ],
  });
});
afterAll(async () => {
  await world?.stop();
  for (const upstream of [...bad.values(), plain]) await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

describe('where a secret may leave', () => {
  it('the placeholder in a header is replaced for its host', async () => {
    const outcome = await attack(world, {
      bytes: requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }),
    });
    expect(outcome.answer.status).toBe(200);
    expect(outcome.upstreamBytes.toString('latin1')).toContain(`Bearer ${world.canary}\r\n`);
    expect(outcome.upstreamBytes.toString('latin1')).not.toContain('onecli://');
    expect(outcome.events.map((item) => item.secrets)).toEqual([['prod/openai@1']]);
  });

  it('the placeholder in Basic credentials is replaced, as user or as password', async () => {
    for (const [user, password] of [
      ['x', 'onecli://prod/openai'],
      ['onecli://prod/openai', ''],
    ] as const) {
      const outcome = await attack(world, {
        bytes: requestBytes('GET', '/v1/models', { authorization: basic(user, password) }),
      });
      expect(outcome.answer.status).toBe(200);
      const real = basic(
        user.replace('onecli://prod/openai', world.canary),
        password.replace('onecli://prod/openai', world.canary),
      );
      expect(outcome.upstreamBytes.toString('latin1')).toContain(`${real}\r\n`);
    }
  });

  it.each(badHosts)('%s: an upstream without a valid certificate gets not one byte of the request', async (host) => {
    const upstream = bad.get(host);
    const outcome = await attack(world, {
      tunnel: { authority: `${host}:443` },
      bytes: requestBytes('GET', '/v1/models', { host, authorization: 'Bearer onecli://prod/openai' }),
    });
    expectRefusal(outcome, 502, 'UPSTREAM_UNTRUSTED');
    expect(upstream?.receivedBytes()).toHaveLength(0);
  });

  it('a granted placeholder to a host it is not bound to is refused', async () => {
    const outcome = await attack(world, {
      tunnel: { authority: `${otherHost}:443` },
      bytes: requestBytes('GET', '/v1/x', { host: otherHost, authorization: 'Bearer onecli://prod/openai' }),
    });
    expectRefusal(outcome, 403, 'PLACEHOLDER_NOT_BOUND');
  });

  it('a placeholder that does not exist and one that is not granted get the same bytes', async () => {
    const answers = [];
    for (const name of ['prod/stripe', 'prod/absent']) {
      const outcome = await attack(world, {
        bytes: requestBytes('GET', '/v1/models', { authorization: `Bearer onecli://${name}` }),
      });
      expectRefusal(outcome, 403, 'PLACEHOLDER_NOT_GRANTED');
      answers.push(
        outcome.agentBytes
          .toString('latin1')
          .replaceAll(name, 'NAME')
          .replace(/"requestId":"[^"]*"/, '')
          .replace(/(date|x-request-id|x-onecli-request-id|content-length): .*\r\n/gi, ''),
      );
    }
    expect(answers[0]).toBe(answers[1]);
  });

  it.each([
    ['the query', '/v1/models?key=onecli://prod/openai', {}],
    ['the query, percent-encoded', '/v1/models?key=onecli%3A%2F%2Fprod%2Fopenai', {}],
    ['the path', '/v1/onecli:%2F%2Fprod%2Fopenai', {}],
  ])('a placeholder in %s is not forwarded', async (_where, target, headers) => {
    const outcome = await attack(world, { bytes: requestBytes('GET', target, headers) });
    expectRefusal(outcome, 403, 'PLACEHOLDER_NOT_BOUND');
  });

  it('a secret bound to headers alone is not put into Basic credentials', async () => {
    const outcome = await attack(world, {
      bytes: requestBytes('GET', '/v1/models', { authorization: basic('x', 'onecli://prod/header-only') }),
    });
    expectRefusal(outcome, 403, 'PLACEHOLDER_NOT_BOUND');
  });

  it('one placeholder of two that may not be used stops the whole request', async () => {
    const headers = { authorization: 'Bearer onecli://prod/openai', 'x-key': 'onecli://prod/stripe' };
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models', headers) });
    expectRefusal(outcome, 403, 'PLACEHOLDER_NOT_GRANTED');
  });

  it.each([
    'onecli://',
    'onecli://prod',
    'onecli://PROD/openai',
    'onecli://prod/openai@0',
    'onecli://prod/openai@x',
    'ONECLI://prod/openai',
    'onecli://prod/openai.',
  ])('%s is no placeholder of this secret and does not leave as one', async (text) => {
    const outcome = await attack(world, {
      bytes: requestBytes('GET', '/v1/models', { authorization: `Bearer ${text}` }),
    });
    expect(outcome.upstreamBytes.toString('latin1')).not.toContain(world.canary);
    if (text.startsWith('onecli://')) {
      expect([400, 403]).toContain(outcome.answer.status);
      expect(outcome.upstreamBytes).toHaveLength(0);
    }
  });

  it('over plain HTTP no secret leaves, and a request without one may', async () => {
    const head = (extra: string): string =>
      `GET http://${boundHost}/v1/models HTTP/1.1\r\nHost: ${boundHost}\r\nProxy-Authorization: ${proxyCredentials(world.agent, world.token)}\r\n${extra}\r\n`;
    const refused = await attack(world, {
      entry: 'plain',
      bytes: head('Authorization: Bearer onecli://prod/openai\r\n'),
    });
    expectRefusal(refused, 403, refused.answer.header('x-onecli-error') ?? '');
    expect(['CLEARTEXT_REFUSED', 'PLACEHOLDER_NOT_BOUND']).toContain(refused.answer.header('x-onecli-error'));
    expect(plain.receivedBytes()).toHaveLength(0);
    const passed = await attack(world, { entry: 'plain', bytes: head('') });
    expect(passed.answer.status).toBe(200);
    expect(plain.requests[0]?.target).toBe('/v1/models');
    expect(plain.receivedBytes().toString('latin1').toLowerCase()).not.toContain('proxy-authorization');
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
