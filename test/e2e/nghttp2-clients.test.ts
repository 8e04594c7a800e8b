/** h2load and nghttp, whose HTTP/2 is nghttp2's and not Node's: many streams, small windows, trailers. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { untilReachable } from '../support/http2-agent.ts';
import { answerOk, type Http2Upstream, type StreamHandler, startHttp2Upstream } from '../support/http2-upstream.ts';
import { mustRun } from '../support/run-command.ts';
import { forwardByTunnel } from '../support/tunnel-forwarder.ts';
import { otherHost, putSecret, startWorld, type World } from '../support/world.ts';

const isThere = spawnSync('h2load', ['--version'], { stdio: 'ignore' }).status === 0;
/** One that has HTTP/2 of those that offer nothing else, and one whose rule asks for it. */
const host = 'h2.example';
const asking = 'asking.example';
const key = 'sk-nghttp2-0123456789abcdef';
const placeholder = 'authorization: Bearer onecli://prod/h2';
const closing: (() => Promise<void>)[] = [];
let world: World;
let upstream: Http2Upstream;
let port = 0;
let askingPort = 0;

beforeAll(async () => {
  if (!isThere) return;
  world = await startWorld({
    beside: async (authority) => {
      upstream = await startHttp2Upstream(authority, [host, asking]);
      return [host, asking].map((name) => `${name}:443=127.0.0.1:${upstream.port}`);
    },
  });
  await putSecret(world.onecli, 'prod/h2', key, [host, asking]);
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      { allow: { hosts: [otherHost] } },
      { allow: { hosts: [host], paths: ['/v1/**'], secrets: ['prod/h2'] } },
      { allow: { hosts: [asking], paths: ['/v1/**'], secrets: ['prod/h2'], http2: true } },
    ],
  });
  await untilReachable(world, host);
  port = await forward(host);
  askingPort = await forward(asking);
});
beforeEach(() => upstream?.reset(answerOk));
afterAll(async () => {
  for (const close of closing) await close();
  await world?.stop();
  await upstream?.close();
});

async function forward(name: string): Promise<number> {
  const forwarder = await forwardByTunnel(world, name);
  closing.push(forwarder.close);
  return forwarder.port;
}

function fileOf(name: string, bytes: Buffer | string): string {
  const path = join(world.folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Runs h2load and gives what it counted. */
async function h2load(name: string, at: number, ...options: string[]): Promise<string> {
  return await mustRun('h2load', [
    ...options,
    `--connect-to=127.0.0.1:${at}`,
    '-H',
    placeholder,
    `https://${name}/v1/x`,
  ]);
}

const succeeded = (count: number): RegExp =>
  new RegExp(`requests: ${count} total, ${count} started, ${count} done, ${count} succeeded, 0 failed, 0 errored`);

/** The bodies that came whole, by length, with the real key. */
const arrived = (): { bytes: number; key: unknown; isWhole: boolean }[] =>
  upstream.requests.map(({ body, headers, isWhole }) => ({ bytes: body.length, key: headers.authorization, isWhole }));

const answerOf =
  (body: Buffer): StreamHandler =>
  (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(body);
  };

describe.skipIf(!isThere)('h2load', () => {
  it('two thousand requests on ten connections of fifty streams each, all answered, all with the real key', async () => {
    const output = await h2load(host, port, '--npn-list=h2', '-n2000', '-c10', '-m50');
    expect(output).toMatch(succeeded(2000));
    expect(output).toMatch('Application protocol: h2');
    expect(arrived()).toEqual(Array.from({ length: 2000 }, () => ({ bytes: 0, key: `Bearer ${key}`, isWhole: true })));
  });

  it('is offered HTTP/2 beside HTTP/1.1 where a rule asks for it, and HTTP/1.1 where none does', async () => {
    const both = '--npn-list=h2,http/1.1';
    expect(await h2load(asking, askingPort, both, '-n200', '-c4', '-m10')).toMatch('Application protocol: h2');
    expect(arrived()).toHaveLength(200);
    const plain = await forward(otherHost);
    const output = await mustRun('h2load', [
      both,
      '-n20',
      '-c4',
      `--connect-to=127.0.0.1:${plain}`,
      `https://${otherHost}/`,
    ]);
    expect(output).toMatch(succeeded(20));
    expect(output).toMatch('Application protocol: http/1.1');
  });

  it('answers of 300 KB in windows of 1 KB, ten at once', async () => {
    upstream.reset(answerOf(Buffer.alloc(300_000, 'x')));
    const output = await h2load(host, port, '--npn-list=h2', '-n20', '-c2', '-m10', '-w10', '-W12');
    expect(output).toMatch(succeeded(20));
    expect(output).toMatch(/\((6000000)\) data/);
  });

  it('uploads of 300 KB, ten at once, within the windows of both sides', async () => {
    const file = fileOf('upload', Buffer.alloc(300_000, 'y'));
    upstream.reset((stream, request) => void stream.on('end', () => void answerOk(stream, request)));
    const output = await h2load(host, port, '--npn-list=h2', '-n20', '-c2', '-m10', '-d', file);
    expect(output).toMatch(succeeded(20));
    expect(arrived()).toEqual(
      Array.from({ length: 20 }, () => ({ bytes: 300_000, key: `Bearer ${key}`, isWhole: true })),
    );
  });
});

describe.skipIf(!isThere)('nghttp', () => {
  const nghttp = (...options: string[]): Promise<string> =>
    mustRun('nghttp', ['-v', '-y', '-H', `:authority: ${host}`, ...options, `https://127.0.0.1:${port}/v1/x`]);

  it('sends trailers and gets trailers', async () => {
    upstream.reset((stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc' }));
      stream.end('payload');
    });
    const output = await nghttp('-H', placeholder, '--trailer', 'x-up: def', '-d', fileOf('body', 'hello'));
    expect(output).toMatch(/recv \(stream_id=\d+\) x-sum: abc/);
    expect(upstream.requests[0]).toMatchObject({
      trailers: { 'x-up': 'def' },
      isWhole: true,
      headers: { authorization: `Bearer ${key}` },
    });
    expect(upstream.requests[0]?.body.toString()).toBe('hello');
  });

  it('heads in CONTINUATION frames, padded frames and ten streams at once are one request each', async () => {
    await nghttp('-H', placeholder, '--continuation', '-b', '100', '-m10', '-d', fileOf('body', 'hello'));
    expect(arrived()).toEqual(Array.from({ length: 10 }, () => ({ bytes: 5, key: `Bearer ${key}`, isWhole: true })));
  });

  it('an upload that asks to go on first goes on', async () => {
    const output = await nghttp('-H', placeholder, '--expect-continue', '-d', fileOf('body', 'hello'));
    expect(output).toMatch(/:status: 200/);
    expect(arrived()).toEqual([{ bytes: 5, key: `Bearer ${key}`, isWhole: true }]);
  });
});
