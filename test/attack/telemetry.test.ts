import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn } from '../support/canary.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

interface Span {
  name: string;
  traceId: string;
  parentSpanId?: string;
  attributes: { key: string; value: Record<string, unknown> }[];
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;

/** Everything that a collector was sent, by path. */
const received: { path: string; body: string }[] = [];
let collector: Server;
let world: World;

beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  const env = { ONECLI_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_BSP_SCHEDULE_DELAY: '100' };
  world = await startWorld({ start: { env } });
});

afterAll(async () => {
  await world.stop();
  collector.close();
});

function spans(): Span[] {
  return received
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
}

function attributesOf(span: Span): Record<string, unknown> {
  return Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

describe('traces and metrics for a collector', () => {
  it("continue an agent's trace, and tell who asked whom, what was decided and what took how long", async () => {
    const connection = await world.tunnel();
    const headers = { traceparent, TraceState: 'a=b', Baggage: 'c=d', authorization: 'Bearer onecli://prod/openai' };
    connection.send(requestBytes('GET', '/v1/traced?q=in-the-query', headers));
    expect((await connection.readResponse()).status).toBe(200);
    connection.close();
    const span = await waitUntil('the span was sent', () => spans().find((one) => one.traceId === traceId));
    expect(span).toMatchObject({ name: 'GET', parentSpanId: spanId });
    expect(attributesOf(span)).toMatchObject({
      'http.request.method': 'GET',
      'server.address': 'api.openai.com',
      'onecli.agent': 'mallory',
      'onecli.decision': 'allow',
      'onecli.reason': 'ALLOWED',
    });
    for (const phase of ['identify', 'policy', 'dial', 'first_byte'])
      expect(Object.keys(attributesOf(span))).toContain(`onecli.${phase}_ms`);
  });

  it("let nothing of an agent's trace go on to an upstream", () => {
    const request = world.upstream.requests.find(({ target }) => target.startsWith('/v1/traced'));
    expect(request?.header('authorization')).toBe(`Bearer ${world.canary}`);
    const fields = ['traceparent', 'tracestate', 'baggage'].map((name) => request?.header(name));
    expect(fields).toEqual([undefined, undefined, undefined]);
  });

  it('have a span for a call of the API and for the change that it made', async () => {
    await world.onecli.api(
      'PUT',
      '/api/secrets/prod%2Fopenai',
      { description: 'traced' },
      { traceparent: `00-${'a'.repeat(32)}-${spanId}-01` },
    );
    const found = () =>
      spans()
        .filter((one) => one.traceId === 'a'.repeat(32))
        .map(({ name }) => name);
    await waitUntil('both were sent', () => found().length >= 2);
    expect(found().toSorted()).toEqual(['PUT /api/secrets/:name', 'change configuration']);
  });

  it('hold no secret, no token, no path and no query, and the metrics are those of /metrics', async () => {
    await world.onecli.stop();
    const bytes = received.map(({ path, body }) => path + body).join('\n');
    expect(bytes).toContain('onecli_requests_total');
    expect(canariesIn(bytes, [...world.canaries, world.token, world.onecli.adminPassword])).toEqual([]);
    for (const text of ['/v1/traced', 'in-the-query', 'onecli://']) expect(bytes).not.toContain(text);
  });
});
