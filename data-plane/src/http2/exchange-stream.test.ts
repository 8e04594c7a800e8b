import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { aliasOf } from '@onecli/shared/domain/placeholder';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../proxy/testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from '../proxy/testing/sample-upstream.ts';
import { SampleWorker } from '../proxy/testing/sample-worker.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';

const keyring = newKeyring();
const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const alias = aliasOf('sk-', 'aB3'.repeat(9) + 'z');
const key = sealedSecret(keyring, { name: 'prod/a', values: ['the-value-of-the-key'], alias });
const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths: [], methods: [], secrets: ['prod/a'] };
const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };
const configuration = new Configuration(
  sampleSnapshot({ agents: [bot], secrets: [key], policies: new Map([['p', policy]]) }),
);

const traceContext = {
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  tracestate: 'a=b',
  baggage: 'team=secret',
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Sends a request with trailers. Gives what its upstream had of it once its stream is over, and the trail's event. */
async function sendTrailers(trailers: OutgoingHttpHeaders, isTraceContextForwarded = false) {
  const upstream = await sampleUpstream();
  const seen = {
    authorization: '',
    headers: {} as IncomingHttpHeaders,
    trailers: {} as IncomingHttpHeaders,
    isWhole: false,
    isOver: false,
  };
  upstream.server.on('stream', (stream: ServerHttp2Stream, headers) => {
    seen.authorization = String(headers.authorization);
    seen.headers = headers;
    stream.on('error', () => undefined);
    stream.on('trailers', (fields) => (seen.trailers = fields));
    stream.on('end', () => {
      seen.isWhole = stream.rstCode === 0 && !stream.aborted;
      if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
    });
    stream.on('close', () => (seen.isOver = true));
    stream.resume();
  });
  const worker = new SampleWorker({ keyring, configuration, upstream, tokenHash });
  closers.push(() => {
    worker.close();
    upstream.close();
  });
  worker.plane.isTraceContextForwarded = isTraceContextForwarded;
  const session = await worker.openHttp2();
  const stream = session.request(
    { ':method': 'POST', ':path': '/v1', authorization: `Bearer ${alias}`, ...traceContext },
    { endStream: false, waitForTrailers: true },
  );
  stream.on('error', () => undefined);
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end('the body');
  stream.resume();
  await until(() => worker.events.length === 1 && seen.isOver);
  return { seen, event: worker.events[0] };
}

describe('the trailers of a request over HTTP/2', () => {
  it('go on as they are', async () => {
    const { seen, event } = await sendTrailers({ 'x-sum': 'abc', 'x-note': 'of onecli' });
    expect(seen).toMatchObject({ authorization: 'Bearer the-value-of-the-key', isWhole: true });
    expect(seen.trailers).toMatchObject({ 'x-sum': 'abc', 'x-note': 'of onecli' });
    expect(event).toMatchObject({ decision: 'allow', status: 200 });
  });

  it.each([
    ['a placeholder', { 'x-key': 'onecli://prod/a' }],
    ['an alias', { 'x-key': `Bearer ${alias}` }],
    ['an alias that nobody has', { 'x-key': aliasOf('sk-', 'q'.repeat(28)) }],
  ])('with %s never reach the upstream, nor does the request whole', async (_what, trailers) => {
    const { seen, event } = await sendTrailers(trailers);
    expect(seen).toMatchObject({ trailers: {}, isWhole: false });
    expect(event).toMatchObject({ decision: 'deny', reason: 'PLACEHOLDER_NOT_BOUND' });
  });
});

describe("an agent's trace context over HTTP/2", () => {
  it('ends here, in the head and in trailers', async () => {
    const { seen } = await sendTrailers({ ...traceContext, 'x-sum': 'abc' });
    expect(Object.keys({ ...seen.headers, ...seen.trailers })).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:traceparent|tracestate|baggage)$/)]),
    );
    expect(seen.trailers).toMatchObject({ 'x-sum': 'abc' });
  });

  it('goes on as it came where that is asked for', async () => {
    const { seen } = await sendTrailers(traceContext, true);
    expect(seen.headers).toMatchObject(traceContext);
    expect(seen.trailers).toMatchObject(traceContext);
  });
});

describe('a request that an upstream gives back', () => {
  /** Sends one to an upstream that resets the first stream by a code and answers every other. Gives what was seen of it. */
  async function sendToResetting(code: number, method: string, body: string | undefined) {
    const upstream = await sampleUpstream();
    let count = 0;
    upstream.server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined);
      stream.resume();
      if (++count === 1) stream.close(code);
      else stream.respond({ ':status': 200 }, { endStream: true });
    });
    const worker = new SampleWorker({ keyring, configuration, upstream, tokenHash });
    closers.push(() => {
      worker.close();
      upstream.close();
    });
    const session = await worker.openHttp2();
    const stream = session.request(
      { ':method': method, ':path': '/v1', authorization: `Bearer ${alias}` },
      { endStream: body === undefined },
    );
    stream.on('error', () => undefined);
    if (body !== undefined) stream.end(body);
    stream.resume();
    await until(() => worker.events.length === 1);
    return { count, event: worker.events[0] };
  }
  const { NGHTTP2_REFUSED_STREAM: refused, NGHTTP2_INTERNAL_ERROR: failed } = constants;

  it('unseen, and that may be repeated, is sent once more', async () => {
    const { count, event } = await sendToResetting(refused, 'GET', undefined);
    expect({ count, status: event?.status }).toEqual({ count: 2, status: 200 });
  });

  it.each([
    ['unseen, but whose body is spent', refused, 'POST', 'the body'],
    ['after it has begun with it', failed, 'GET', undefined],
  ])('%s is not sent twice', async (_what, code, method, body) => {
    const { count, event } = await sendToResetting(code, method, body);
    expect({ count, reason: event?.reason }).toEqual({ count: 1, reason: 'UPSTREAM_UNREACHABLE' });
  });
});
