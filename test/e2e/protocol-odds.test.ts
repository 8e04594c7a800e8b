// Old versions, odd hosts, large bodies.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectRefusal } from '../support/attack.ts';
import { newCanary } from '../support/canary.ts';
import { waitUntil } from '../support/wait-until.ts';
import { openRaw, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection, RawResponse } from '../support/raw-connection.ts';
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const idn = 'xn--bcher-kva.example';
const ipv6 = '[2001:db8::7]';
const rules = [{ allow: { hosts: [boundHost, idn, ipv6, 'plain.example'], secrets: ['prod/openai'] } }];
let world: World;
let plain: RecordingUpstream;
beforeAll(async () => {
  plain = await startUpstream();
  const hosts = [idn, '2001:db8::7'];
  const connectTo = ['plain', 'served'].map((name) => `${name}.example:80=127.0.0.1:${plain.port}`);
  world = await startWorld({ upstream: { hosts: [boundHost, ...hosts] }, hosts: [idn, ipv6], connectTo, rules });
});
afterAll(async () => {
  await world?.stop();
  await plain?.close();
});

const key = { authorization: 'Bearer onecli://prod/openai' };

async function onPort(bytes: string): Promise<{ answer: RawResponse; connection: RawConnection }> {
  const connection = await openRaw(world.onecli.proxyPort);
  connection.send(bytes);
  return { answer: await connection.readResponse(), connection };
}

const credentials = () => `Proxy-Authorization: ${proxyCredentials(world.agent, world.token)}\r\n`;

describe('an HTTP/1.0 client', () => {
  it.each([
    ['in absolute form, without Host', () => `GET https://${boundHost}/v1/x HTTP/1.0\r\n${credentials()}`],
    ['by base URL, without Host', () => `GET /to/${world.token}@${boundHost}/v1/x HTTP/1.0\r\n`],
    [
      'that would keep the connection',
      () => `GET /to/${world.token}@${boundHost}/v1/x HTTP/1.0\r\nConnection: keep-alive\r\n`,
    ],
  ])('%s gets an answer that ends with its connection, and the upstream a request of HTTP/1.1', async (_how, head) => {
    world.upstream.reset((_request, reply) => reply.chunked(200, {}, ['one ', 'two']));
    const { answer, connection } = await onPort(`${head()}Authorization: Bearer onecli://prod/openai\r\n\r\n`);
    await connection.untilClosed();
    expect([answer.status, answer.text, answer.header('transfer-encoding')]).toEqual([200, 'one two', undefined]);
    const [request] = world.upstream.requests;
    expect(request?.head).toMatch(/^GET \/v1\/x HTTP\/1\.1\r\nHost: api\.openai\.com\r\n/);
    expect(request?.header('authorization')).toBe(`Bearer ${world.canary}`);
  });

  it('sends a body by its length, also inside a tunnel', async () => {
    world.upstream.reset((_request, reply) => reply.json(200, {}));
    const tunnel = await world.tunnel();
    tunnel.send(`POST /v1/x HTTP/1.0\r\nHost: ${boundHost}\r\nContent-Length: 5\r\n\r\nhello`);
    expect((await tunnel.readResponse()).status).toBe(200);
    await tunnel.untilClosed();
    expect((await world.upstream.requests[0]?.body())?.toString()).toBe('hello');
  });

  it('is refused in the clear when nothing allows it, with a whole answer', async () => {
    const { answer, connection } = await onPort(`GET https://unknown.example/ HTTP/1.0\r\n${credentials()}\r\n`);
    await connection.untilClosed();
    expect([answer.status, answer.ending]).toEqual([403, 'whole']);
  });
});

describe('a host that is no plain name', () => {
  it.each([
    ['an IDN as U-label in a base URL', () => `/to/b%C3%BCcher.example/v1/x`, idn],
    ['an IDN as A-label in a base URL', () => `/to/${idn}/v1/x`, idn],
    ['an IDN in an https URL', () => `https://${idn}/v1/x`, idn],
    ['an IPv6 address in a base URL', () => `/to/${ipv6}/v1/x`, ipv6],
    ['an IPv6 address, escaped and long', () => `/to/%5B2001:DB8:0:0::7%5D:443/v1/x`, ipv6],
    ['an IPv6 address in an https URL', () => `https://${ipv6}/v1/x`, ipv6],
  ])('%s is judged and dialled by its one form', async (_what, target, host) => {
    world.upstream.reset((_request, reply) => reply.json(200, {}));
    const at = target().startsWith('/') ? '127.0.0.1' : host;
    const { answer, connection } = await onPort(`GET ${target()} HTTP/1.1\r\nHost: ${at}\r\n${credentials()}\r\n`);
    connection.close();
    expect([answer.status, world.upstream.requests[0]?.all('host')]).toEqual([200, [host]]);
  });

  it('an IDN goes through CONNECT', async () => {
    world.upstream.reset((_request, reply) => reply.json(200, {}));
    const tunnel = await world.tunnel({ authority: `${idn}:443` });
    tunnel.send(requestBytes('GET', '/v1/x', { host: idn }));
    expect((await tunnel.readResponse()).status).toBe(200);
    tunnel.close();
    expect(world.upstream.requests[0]?.all('host')).toEqual([idn]);
  });

  it('an IPv6 address goes through CONNECT, and its certificate verifies', async () => {
    world.upstream.reset((_request, reply) => reply.json(200, { six: true }));
    const result = await runAsAgent(world, ['curl', '-sS', '-g', `https://${ipv6}/v1/x`]);
    expect(result, result.stderr).toMatchObject({ code: 0, stdout: '{"six":true}' });
  });
});

describe('an upload of 50 MB by curl', () => {
  const bytes = 50 * 1024 * 1024;
  let file: string;
  let digest: string;
  beforeAll(async () => {
    file = join(world.folder, 'upload-50');
    const piece = randomBytes(1024 * 1024);
    await pipeline(Readable.from(Array.from({ length: 50 }, () => piece)), createWriteStream(file));
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    digest = hash.digest('hex');
  });

  it.each([
    ['with its length', []],
    ['in chunks', ['-H', 'Transfer-Encoding: chunked']],
    ['with its length, waiting to be asked', ['-H', 'Expect: 100-continue', '--expect100-timeout', '30']],
    [
      'in chunks, waiting to be asked',
      ['-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue', '--expect100-timeout', '30'],
    ],
  ])('%s, by tunnel and by base URL, arrives whole', async (_how, options) => {
    for (const url of [`https://${boundHost}/v1/up`, `${world.onecli.proxyUrl}/to/${world.token}@${boundHost}/v1/up`]) {
      world.upstream.reset(async (request, reply) => {
        if (request.header('expect') !== undefined) await reply.raw('HTTP/1.1 100 Continue\r\n\r\n');
        await request.body();
        reply.json(200, { length: request.bodyLength, sha256: request.bodySha256() });
      });
      const command = [
        'curl',
        '-sS',
        '-X',
        'POST',
        '-H',
        `Authorization: ${key.authorization}`,
        ...options,
        '-T',
        file,
        url,
      ];
      const result = await runAsAgent(world, command);
      expect(result, result.stderr).toMatchObject({ code: 0 });
      expect(JSON.parse(result.stdout)).toEqual({ length: bytes, sha256: digest });
      expect(world.upstream.requests[0]?.header('authorization')).toBe(`Bearer ${world.canary}`);
    }
  });

  it('to a host that refuses it before it was asked for is not sent', async () => {
    world.upstream.reset((_request, reply) => reply.json(413, { error: 'too large' }, { connection: 'close' }));
    const options = ['-H', 'Expect: 100-continue', '--expect100-timeout', '30', '-w', ' %{size_upload}'];
    const result = await runAsAgent(world, [
      'curl',
      '-sS',
      '-X',
      'POST',
      ...options,
      '-T',
      file,
      `https://${boundHost}/v1/up`,
    ]);
    expect(result.stdout).toBe('{"error":"too large"} 0');
  });
});

describe('plain HTTP inside a CONNECT', () => {
  const connect = (host = 'plain.example') => `CONNECT ${host}:80 HTTP/1.1\r\nHost: ${host}:80\r\n${credentials()}\r\n`;

  /** A request with a secret, in the clear, inside a tunnel to the host that is served so. */
  async function askInside(secret: string, path = '/v1/x', host = 'served.example'): Promise<RawResponse> {
    const connection = await openRaw(world.onecli.proxyPort);
    connection.send(connect('served.example'));
    expect((await connection.readResponse('CONNECT')).status).toBe(200);
    connection.send(requestBytes('GET', path, { host, authorization: `Bearer onecli://${secret}` }));
    const answer = await connection.readResponse();
    connection.close();
    return answer;
  }

  it('is refused where no rule asks for it, in the clear, with nothing at the upstream', async () => {
    plain.reset();
    const connectBytes = connect();
    const connection = await openRaw(world.onecli.proxyPort);
    connection.send(connectBytes);
    expect((await connection.readResponse('CONNECT')).status).toBe(200);
    connection.send(requestBytes('GET', '/v1/x', { host: 'plain.example', ...key }));
    const answer = await connection.readResponse();
    connection.close();
    expect([answer.status, answer.header('x-onecli-error')]).toEqual([400, 'BAD_REQUEST']);
    expect(answer.text).toContain('plainHttp');
    expect(plain.receivedBytes()).toHaveLength(0);
  });

  it('is served where a rule has plainHttp, with no secret but those that may go in the clear', async () => {
    const canary = newCanary('clear');
    const binding = { hosts: ['served.example:80'], surfaces: ['header'], allowCleartext: true };
    await world.onecli.must('POST', '/api/secrets', { name: 'prod/clear', value: canary, description: '', binding });
    const allow = {
      hosts: ['served.example'],
      paths: ['/v1/**'],
      secrets: ['prod/openai', 'prod/clear'],
      plainHttp: true,
    };
    await world.onecli.must('POST', '/api/policies', { name: 'served', agents: [world.agent], rules: [{ allow }] });
    await waitUntil('the rule is in force', async () => {
      const tunnel = await openRaw(world.onecli.proxyPort);
      tunnel.send(connect('served.example'));
      const { status } = await tunnel.readResponse('CONNECT');
      tunnel.close();
      return status === 200;
    });
    await waitUntil('the secret is in force', async () => (await askInside('prod/clear')).status === 200);
    plain.reset();
    expect((await askInside('prod/clear')).status).toBe(200);
    expect(plain.requests.map((one) => [one.target, one.all('host'), one.header('authorization')])).toEqual([
      ['/v1/x', ['served.example'], `Bearer ${canary}`],
    ]);
    plain.reset();
    const refused = await askInside('prod/openai');
    expect([refused.status, refused.header('x-onecli-error')]).toEqual([403, 'PLACEHOLDER_NOT_BOUND']);
    expect((await askInside('prod/clear', '/v2/x')).header('x-onecli-error')).toBe('POLICY_DENIED');
    expect((await askInside('prod/clear', '/v1/x', boundHost)).header('x-onecli-error')).toBe('MISDIRECTED');
    expect(plain.receivedBytes()).toHaveLength(0);
  });

  it('is not how a secret gets out that is not bound to cleartext', async () => {
    const bytes = `GET http://plain.example/v1/x HTTP/1.1\r\nHost: plain.example\r\n${credentials()}Authorization: ${key.authorization}\r\n\r\n`;
    expectRefusal(await attack(world, { entry: 'plain', bytes }), 403, 'PLACEHOLDER_NOT_BOUND');
  });
});
