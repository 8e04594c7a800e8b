import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

const json = async (method: string, path: string, body?: unknown) => {
  const answer = await api.call(method, path, body);
  return { status: answer.status, body: answer.text === '' ? undefined : (answer.json as Record<string, unknown>) };
};

describe('every answer', () => {
  it('is JSON with a code, a message, a hint and the request’s id, for whatever is not served', async () => {
    for (const path of ['/api', '/api/none', '/api/secrets/a/b/c', '/favicon.ico', '/api/agents/x/none']) {
      const answer = await api.call('GET', path);
      expect(answer.status).toBe(404);
      expect(answer.json).toEqual({
        error: {
          code: 'NOT_FOUND',
          message: expect.any(String),
          hint: expect.any(String),
          requestId: answer.headers['x-request-id'],
        },
      });
    }
    expect((await api.call('GET', '/api/secrets/%E0%A4%A')).status).toBe(400);
  });

  it('to another method than a path takes is 405, and says which it takes; only to those who may sign in', async () => {
    for (const [method, path, allow] of [
      ['PATCH', '/api/secrets', 'GET, HEAD, POST'],
      ['POST', '/api/secrets/prod%2Fx', 'DELETE, GET, HEAD, PUT'],
      ['GET', '/api/keys/rotate', 'POST'],
      ['DELETE', '/api/login', 'POST'],
      ['PUT', '/api/agents/x/certificate', 'POST'],
      ['GET', '/backup', 'POST'],
      ['POST', '/health', 'GET, HEAD'],
      ['PROPFIND', '/ca.pem', 'GET, HEAD'],
    ] as const) {
      const answer = await api.call(method, path, method === 'GET' ? undefined : {});
      expect([path, answer.status, answer.headers['allow']]).toEqual([path, 405, allow]);
      expect(answer.json).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } });
    }
    const options = await api.call('OPTIONS', '/api/secrets');
    expect([options.status, options.headers['allow'], options.text]).toEqual([
      200,
      'GET, HEAD, POST',
      'GET, HEAD, POST',
    ]);
    expect((await api.call('HEAD', '/api/secrets')).status).toBe(200);
    expect((await api.call('PATCH', '/api/secrets', {}, { authorization: 'Bearer none' })).status).toBe(401);
  });

  it('is not to be stored, framed or sniffed, and names no server software', async () => {
    const { headers } = await api.call('GET', '/api/secrets');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    for (const name of ['x-powered-by', 'server', 'access-control-allow-origin', 'etag'])
      expect(headers).not.toHaveProperty(name);
  });

  it('refuses bodies over 1 MB with 413, whether their length is told or not', async () => {
    const large = JSON.stringify({ name: 'prod/large', value: 'x'.repeat(1024 * 1024) });
    expect(await json('POST', '/api/secrets', large)).toMatchObject({
      status: 413,
      body: { error: { code: 'TOO_LARGE' } },
    });
    const chunked = await fetch(`${api.url}/api/secrets`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from('admin:correct horse battery').toString('base64')}`,
      },
      body: new Blob([large]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['no JSON', '{"name":"prod/x","value":"sk-canary', {}, 400],
    ['a JSON text that is no object', '"sk-canary"', {}, 400],
    ['a list', '[{"name":"prod/x"}]', {}, 400],
    ['another type', 'name=prod/x', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a type that a page can send', '{}', { 'content-type': 'text/plain' }, 415],
    ['another character set', '{}', { 'content-type': 'application/json; charset=utf-16' }, 415],
    ['a compressed body', '{}', { 'content-encoding': 'gzip' }, 415],
  ])('refuses %s', async (_what, body, headers, status) => {
    const answer = await api.call('POST', '/api/secrets', body, headers);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('canary');
  });

  it('refuses writes that a page of another origin makes, and lets its own through', async () => {
    const from = (headers: Record<string, string>) => api.call('POST', '/api/agents', { name: 'x y' }, headers);
    expect((await from({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await from({ origin: 'null' })).status).toBe(403);
    expect((await from({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await from({ origin: api.url })).status).toBe(400);
  });
});

describe('what needs no login', () => {
  beforeAll(() => json('POST', '/api/secrets', { name: 'prod/openai', value: 'x' }));

  const open = (path: string) => fetch(api.url + path);

  it('gives the certificate of the authority', async () => {
    const answer = await open('/ca.pem');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });

  it('tells its health, and counts in the Prometheus format without a name as a label', async () => {
    for (const path of ['/health', '/api/health']) {
      expect(await (await open(path)).json()).toMatchObject({
        status: 'ok',
        revision: expect.any(Number),
        database: 'up',
        bus: 'up',
        queue: 'up',
      });
    }
    for (const path of ['/livez', '/readyz']) expect(await (await open(path)).json()).toEqual({ status: 'ok' });
    const metrics = await (await open('/metrics')).text();
    expect(metrics).toMatch(
      /^onecli_http_requests_total\{method="POST",route="\/api\/secrets",status_class="2xx"\} \d+$/m,
    );
    expect(metrics).toMatch(/^onecli_config_revision \d+$/m);
    expect(metrics).toMatch(/^onecli_audit_events_written_total \d+$/m);
    expect(metrics).not.toMatch(/openai|my-agent|stripe/);
  });

  it('is all there is: everything else asks for one', async () => {
    for (const path of ['/api/secrets', '/api/audit', '/api/workers', '/api/none', '/graphql'])
      expect((await open(path)).status).toBe(401);
  });
});

describe('/api/workers', () => {
  it('lists who reported, and whether lately', async () => {
    await api.database.query(
      `INSERT INTO worker VALUES ('w1', 'b1', '0.1.0', 7, now(), now()), ('w2', 'b2', '0.1.0', 6, now(), now() - interval '1 minute')`,
    );
    const { body } = await json('GET', '/api/workers');
    expect(body).toMatchObject({
      items: [
        { name: 'w1', appliedRevision: 7, live: true },
        { name: 'w2', appliedRevision: 6, live: false },
      ],
      next: null,
    });
  });
});
