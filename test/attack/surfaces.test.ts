// Rules 5 and 6 on the surfaces beyond headers: a value goes where its binding names it, escaped for that place, and nowhere else.
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { newCanary } from '../support/canary.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

let world: World;
const value = `${newCanary('surfaces')}"&=/é`;
const aliases = new Map<string, string>();
const surfacesOf = { query: ['query'], path: ['path'], cookie: ['cookie'], body: ['json', 'form', 'text'] };

beforeAll(async () => {
  world = await startWorld();
  const names = Object.keys(surfacesOf).map((name) => `prod/${name}`);
  for (const [name, surfaces] of Object.entries({ ...surfacesOf, foreign: ['header', 'query', 'json'] })) {
    const input = {
      name: `prod/${name}`,
      value: name === 'cookie' || name === 'path' ? world.canary : name === 'foreign' ? world.ungrantedCanary : value,
      alias: { prefix: 'sk-' },
      binding: { hosts: [boundHost], surfaces },
    };
    const { alias } = await world.onecli.must<{ alias: string }>('POST', '/api/secrets', input);
    aliases.set(name, alias);
  }
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai', ...names] } },
      { allow: { hosts: [boundHost], paths: ['/bot*/send'], secrets: names } },
      { deny: { hosts: [boundHost], paths: ['/**/admin'] } },
    ],
  });
});
afterAll(() => world?.stop());

const json = { 'content-type': 'application/json' };
const send = (target: string, headers: Record<string, string> = {}, body: string | Buffer = '') =>
  attack(world, { bytes: requestBytes(body.length > 0 ? 'POST' : 'GET', target, headers, body) });
const bodyOf = (bytes: Buffer): string => bytes.toString().split('\r\n\r\n').slice(1).join('\r\n\r\n');

describe('credentials on their surfaces', () => {
  it('a query parameter gets the value percent-encoded, and the audit trail has the version and not the query', async () => {
    const outcome = await send('/v1/items?key=onecli%3A%2F%2Fprod%2Fquery&x=1');
    expect(outcome.answer.status).toBe(200);
    const [line = ''] = outcome.upstreamBytes.toString().split('\r\n');
    expect(line).toBe(`GET /v1/items?key=${encodeURIComponent(value)}&x=1 HTTP/1.1`);
    expect(outcome.events).toMatchObject([{ decision: 'allow', path: '/v1/items', secrets: ['prod/query@1'] }]);
  });

  it('an alias in a path becomes the value, and the audit trail keeps the alias', async () => {
    const alias = aliases.get('path') ?? '';
    const outcome = await send(`/bot${alias}/send?x=1`);
    expect(outcome.upstreamBytes.toString()).toContain(`GET /bot${world.canary}/send?x=1 HTTP/1.1`);
    expect(outcome.events).toMatchObject([{ path: `/bot${alias}/send`, secrets: ['prod/path@1'] }]);
  });

  it('a cookie gets its value', async () => {
    const outcome = await send('/v1/x', { cookie: 'a=1; sid=onecli://prod/cookie' });
    expect(outcome.upstreamBytes.toString().toLowerCase()).toContain(`cookie: a=1; sid=${world.canary}\r\n`);
  });

  it('a JSON body gets the value escaped, and its new length', async () => {
    const outcome = await send('/v1/x', json, '{"auth":{"key":"onecli://prod/body"},"n":1.0}');
    const body = bodyOf(outcome.upstreamBytes);
    expect(body).toBe(`{"auth":{"key":${JSON.stringify(value)}},"n":1.0}`);
    expect(outcome.upstreamBytes.toString()).toMatch(new RegExp(`content-length: ${Buffer.byteLength(body)}\r\n`, 'i'));
    expect(outcome.events).toMatchObject([{ secrets: ['prod/body@1'] }]);
  });

  it('a chunked body is held whole, and leaves with a length', async () => {
    const text = '{"k":"onecli://prod/body"}';
    const chunks = Array.from(text)
      .map((octet) => `1\r\n${octet}\r\n`)
      .join('');
    const headers = { ...json, 'transfer-encoding': 'chunked' };
    const outcome = await send('/v1/x', headers, `${chunks}0\r\n\r\n`);
    expect(bodyOf(outcome.upstreamBytes)).toBe(`{"k":${JSON.stringify(value)}}`);
    expect(outcome.upstreamBytes.toString().toLowerCase()).not.toContain('transfer-encoding');
  });

  it('a form and a text get it too', async () => {
    const form = await send(
      '/v1/x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      `a=1&k=${aliases.get('body')}`,
    );
    expect(bodyOf(form.upstreamBytes)).toBe(`a=1&k=${encodeURIComponent(value)}`);
    const text = await send('/v1/x', { 'content-type': 'text/plain' }, 'key: onecli://prod/body');
    expect(bodyOf(text.upstreamBytes)).toBe(`key: ${value}`);
  });

  it('a body of 100 KB without a placeholder passes as it is', async () => {
    const text = JSON.stringify({ text: 'x'.repeat(100_000) });
    expect(bodyOf((await send('/v1/x', json, text)).upstreamBytes)).toBe(text);
  });
});

describe('credentials by route', () => {
  const route = (name: string, input: object) =>
    world.onecli.must('POST', '/api/routes', { name, hosts: [boundHost], ...input });

  it('a header that the agent sent is replaced, once, for an agent that is granted the secret', async () => {
    const inject = [{ header: { name: 'Authorization', template: 'Bearer {secret}' } }];
    await route('granted', { secret: 'prod/openai', paths: ['/v1/routed/**'], inject });
    await route('not-granted', {
      secret: 'prod/foreign',
      inject: [{ header: { name: 'X-Foreign', template: '{secret}' } }],
    });
    const bytes = `GET /v1/routed/x HTTP/1.1\r\nHost: ${boundHost}\r\nauthorization: Bearer made-up\r\nAUTHORIZATION: two\r\n\r\n`;
    const outcome = await attack(world, { bytes });
    expect(outcome.answer.status).toBe(200);
    const seen = outcome.upstreamBytes.toString();
    expect(seen.match(/^authorization: .*$/gim)).toEqual([`Authorization: Bearer ${world.canary}`]);
    expect(seen).not.toMatch(/x-foreign/i);
    expect(outcome.events).toMatchObject([{ secrets: ['prod/openai@1'] }]);
  });

  it('acts on no other path, and a query route where its surface is not bound does nothing', async () => {
    await route('unbound', { secret: 'prod/openai', inject: [{ query: { name: 'key', template: '{secret}' } }] });
    const outcome = await send('/v1/x?a=1');
    expect(outcome.upstreamBytes.toString()).toMatch(/^GET \/v1\/x\?a=1 HTTP/);
    expect(outcome.upstreamBytes.toString()).not.toContain(world.canary);
    expect(outcome.events).toMatchObject([{ secrets: [] }]);
    const listed = await world.onecli.must<{ items: { name: string; problem: string | null }[] }>('GET', '/api/routes');
    expect(listed.items.find(({ name }) => name === 'unbound')?.problem).toContain('query');
  });

  it('a path route is judged with the secret in it', async () => {
    await route('path', {
      secret: 'prod/path',
      paths: ['/v1/tg/**'],
      inject: [{ path: { template: '/bot{secret}/send' } }],
    });
    const outcome = await send('/v1/tg/send?x=1');
    expect(outcome.upstreamBytes.toString()).toContain(`GET /bot${world.canary}/send?x=1 HTTP/1.1`);
    await world.onecli.must('PUT', '/api/routes/path', {
      secret: 'prod/path',
      hosts: [boundHost],
      paths: ['/v1/tg/**'],
      inject: [{ path: { template: '/elsewhere/{secret}' } }],
    });
    expectRefusal(await send('/v1/tg/send'), 403, 'POLICY_DENIED');
  });
});

describe('credentials anywhere else', () => {
  const refused = (target: string, headers: Record<string, string>, body: string | Buffer) => async () => {
    expectRefusal(await send(target, headers, body), 403, 'PLACEHOLDER_NOT_BOUND');
  };

  it.each([
    ['a query secret in a header', '/v1/x', { 'x-key': 'onecli://prod/query' }, ''],
    ['a query secret in the path', '/v1/onecli%3A%2F%2Fprod%2Fquery', {}, ''],
    ['a query secret in a parameter’s name', '/v1/x?onecli://prod/query=1', {}, ''],
    ['a query secret encoded twice', '/v1/x?k=onecli%253A%252F%252Fprod%252Fquery', {}, ''],
    ['a path secret in the query', '/v1/x?k=onecli://prod/path', {}, ''],
    ['a cookie secret in a header', '/v1/x', { 'x-key': 'onecli://prod/cookie' }, ''],
    ['a cookie secret in a cookie’s name', '/v1/x', { cookie: 'onecli://prod/cookie=1' }, ''],
    ['a header secret in a cookie', '/v1/x', { cookie: 'a=onecli://prod/openai' }, ''],
    ['a body secret in a header', '/v1/x', { 'x-key': 'onecli://prod/body' }, ''],
    ['a header secret in JSON', '/v1/x', json, '{"k":"onecli://prod/openai"}'],
    ['a header secret in JSON, escaped', '/v1/x', json, '{"k":"\\u006fnecli://prod/openai"}'],
    ['a body secret as a name in JSON', '/v1/x', json, '{"onecli://prod/body":1}'],
    [
      'a body secret in a body of no surface',
      '/v1/x',
      { 'content-type': 'multipart/form-data; boundary=b' },
      '--b\r\n\r\nonecli://prod/body\r\n--b--',
    ],
  ])('%s is refused, and nothing leaves', (_name, target, headers, body) =>
    refused(target, headers as Record<string, string>, body)(),
  );

  it.each([
    ['comments', '{/*"*/"k":"onecli://prod/body"}'],
    ['a byte order mark', '\ufeff{"k":"onecli://prod/body"}'],
    ['a name twice', '{"k":"onecli://prod/body","k":"x"}'],
    ['UTF-16', Buffer.from('{"k":"onecli://prod/body"}', 'utf16le')],
  ])('JSON with %s is refused', async (_name, body) => {
    expectRefusal(await send('/v1/x', json, body), 415, 'BODY_UNREADABLE');
  });

  it('a compressed body is refused, and so is one that is too long', async () => {
    const zipped = gzipSync('{"k":"onecli://prod/body"}');
    expectRefusal(await send('/v1/x', { ...json, 'content-encoding': 'gzip' }, zipped), 415, 'BODY_UNREADABLE');
    const long = { ...json, 'content-length': String(5 * 1024 * 1024) };
    expectRefusal(await send('/v1/x', long, '{"k":"onecli://prod/body"}'), 413, 'BODY_TOO_LARGE');
  });

  it('a path is judged with the secret in it', async () => {
    await world.onecli.must('POST', '/api/secrets', {
      name: 'prod/admin',
      value: 'x/admin',
      binding: { hosts: [boundHost], surfaces: ['path'] },
    });
    const name = `/api/policies/${world.agent}`;
    const { agents, rules } = await world.onecli.must<{ agents: unknown; rules: { allow?: { secrets?: string[] } }[] }>(
      'GET',
      name,
    );
    rules[0]?.allow?.secrets?.push('prod/admin');
    await world.onecli.must('PUT', name, { agents, rules });
    expectRefusal(await send('/v1/onecli%3A%2F%2Fprod%2Fadmin'), 403, 'POLICY_DENIED');
  });

  it('an alias of a secret that is not granted gets the same bytes as one that nobody has', async () => {
    const mine = aliases.get('foreign') ?? '';
    const unknown = mine.replace(/.{28}$/, (id) => Array.from(id).reverse().join(''));
    for (const use of [
      (alias: string) => send('/v1/x', { 'x-key': alias }),
      (alias: string) => send(`/v1/x?k=${alias}`),
      (alias: string) => send('/v1/x', json, JSON.stringify({ k: alias })),
    ]) {
      const answers = [];
      for (const alias of [mine, unknown]) {
        const outcome = await use(alias);
        expect(outcome.answer.status).toBe(403);
        expect(outcome.upstreamBytes).toHaveLength(0);
        const text = outcome.agentBytes.toString('latin1').replace(/"requestId":"[^"]*"/, '');
        answers.push(text.replace(/(date|x-request-id|x-onecli-request-id|content-length): .*\r\n/gi, ''));
      }
      expect(answers[0]).toBe(answers[1]);
    }
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
