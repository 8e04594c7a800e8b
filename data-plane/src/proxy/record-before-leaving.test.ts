import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readEntry } from '@onecli/shared/domain/audit-entry';
import { readLinks } from '@onecli/shared/vault/audit-chain';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AuditMode } from '../audit/audit-mode.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { bootFolder } from '../audit/spool/boot-folder.ts';
import { Delivery } from '../audit/spool/delivery.ts';
import { SegmentReader } from '../audit/spool/segment-file.ts';
import { Spool } from '../audit/spool/spool.ts';
import { realDisk, type SpoolDisk } from '../audit/spool/spool-disk.ts';
import { Http2Agent } from '../http2/http2-agent.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { Http1Agent } from './http1-agent.ts';
import { until } from './testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from './testing/sample-upstream.ts';
import { SampleWorker } from './testing/sample-worker.ts';

const keyring = newKeyring();
const tokenHash = 'aa';
const value = 'the-value-of-the-key';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const binding = { hosts: [upstreamHost], surfaces: ['header', 'websocket'] as const };
const key = sealedSecret(keyring, { name: 'prod/a', values: [value], binding });
const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths: [], methods: [], secrets: ['prod/a'] };
const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };
const configuration = new Configuration(
  sampleSnapshot({ agents: [bot], secrets: [key], policies: new Map([['p', policy]]) }),
);

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A trail over a real spool whose disk can be full, or can keep whoever waits for the medium waiting. */
function spooled(mode: AuditMode) {
  const folder = mkdtempSync(join(tmpdir(), 'leaving-'));
  const state = { isFull: false, syncs: [] as (() => void)[], onWrite: (): void => undefined };
  const refuse = (): void => {
    if (state.isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  const disk: SpoolDisk = {
    ...realDisk,
    create: (path) => (refuse(), realDisk.create(path)),
    write: (descriptor, bytes) => (refuse(), state.onWrite(), realDisk.write(descriptor, bytes)),
    sync: () => new Promise((resolve) => void state.syncs.push(resolve)),
  };
  const own = bootFolder(folder, 'worker-1', 'b00');
  const spoolKey = randomBytes(32);
  const log = pino({ level: 'silent' });
  const spool = new Spool({ disk, folder: own, key: spoolKey, segmentBytes: 1 << 20, isDurable: false });
  const away = () => Promise.reject(new Error('the queue is away'));
  const queue = { add: away, close: () => Promise.resolve() };
  const parts = { disk, key: spoolKey, folder: own, segments: spool.segments, queue, confirmations: { written: away } };
  const timing = { flushEveryMs: 1, askEveryMs: 1000, againMs: 1000, writtenThrough: -1, onWritten: () => undefined };
  const delivery = new Delivery({ ...parts, ...timing, log });
  const bounds = { maxBytes: 1 << 30, maxWaiting: 10, keptWithinMs: 60_000, leftBytes: () => 0 };
  const owner = { worker: 'worker-1', macKey: randomBytes(32) };
  const trail = new AuditTrail({ begin: () => ({ bootId: 'b00', spool, delivery }), ...owner, mode, log, ...bounds });
  closers.push(() => {
    delivery.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  /** The secrets of the intents that the files hold. */
  const intended = async (): Promise<string[]> => {
    const secrets: string[] = [];
    for (const { path } of spool.segments) {
      const records = await new SegmentReader(realDisk, path, spoolKey).read(realDisk.sizeOf(path), 1 << 20);
      const links = records.filter(({ count }) => count > 0).flatMap(({ text }) => readLinks(text));
      for (const entry of links.flatMap(({ lines }) => lines.map(readEntry)))
        if (entry.kind === 'INTENT') secrets.push(...entry.secrets);
    }
    return secrets;
  };
  return { trail, state, intended };
}

/** A worker with such a trail, and what its upstream has been sent of the secret. */
async function worker(mode: AuditMode) {
  const { trail, state, intended } = spooled(mode);
  const upstream = await sampleUpstream();
  const seen: string[] = [];
  upstream.server.on('request', (request, response) => {
    seen.push(String(request.headers.authorization));
    response.end('ok');
  });
  upstream.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const text = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(text).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('data', (bytes: Buffer) => seen.push(unmasked(bytes)));
  });
  const started = new SampleWorker({ keyring, configuration, upstream, tokenHash, trail });
  closers.push(() => {
    started.close();
    upstream.close();
  });
  return { started, seen, trail, state, intended };
}

/** The payload of one short frame of a client. */
function unmasked(frame: Buffer): string {
  return Buffer.from(frame.subarray(6).map((byte, at) => byte ^ (frame[2 + (at % 4)] ?? 0))).toString('latin1');
}

const authorization = 'Bearer onecli://prod/a';

async function askOver(
  version: 'HTTP/1.1' | 'HTTP/2',
  started: SampleWorker,
  credential = authorization,
): Promise<string> {
  if (version === 'HTTP/1.1') {
    const agent = await started.openHttp1();
    agent.write(`GET /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\nAuthorization: ${credential}\r\n\r\n`);
    let text = '';
    for await (const bytes of agent) if ((text += String(bytes)).includes('\r\n\r\n')) break;
    return text;
  }
  const stream = (await started.openHttp2()).request({ ':path': '/v1', authorization: credential });
  stream.on('error', () => undefined);
  const [fields] = await once(stream, 'response');
  return JSON.stringify(fields);
}

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('a secret of a request over %s', (version) => {
  it('leaves when the trail has kept that it is about to, and not before', async () => {
    const { started, seen, state, intended } = await worker('durable');
    const answered = askOver(version, started);
    await until(() => state.syncs.length === 1);
    await pause(50);
    expect(seen).toEqual([]);
    expect(await intended()).toEqual(['prod/a@1']);
    state.syncs[0]?.();
    expect(await answered).toContain('200');
    expect(seen).toEqual([`Bearer ${value}`]);
  });

  it('does not leave while the trail cannot be written: 503, until it can', async () => {
    const { started, seen, trail, state, intended } = await worker('default');
    state.isFull = true;
    for (let time = 0; time < 2; time++) expect(await askOver(version, started)).toMatch(/503.*AUDIT_UNAVAILABLE/s);
    expect(seen).toEqual([]);
    state.isFull = false;
    await until(() => trail.hasRoom);
    expect(await intended()).toEqual([]);
    expect(await askOver(version, started)).toContain('200');
    expect(seen).toEqual([`Bearer ${value}`]);
    expect(await intended()).toEqual(['prod/a@1']);
  });
});

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('the answer to a request without a secret over %s', (version) => {
  it('ends when the trail has what became of it, and not before', async () => {
    const { started, state } = await worker('default');
    await askOver(version, started, 'Bearer mine');
    await pause(50);
    const order: string[] = [];
    state.onWrite = () => void order.push('written');
    const prototype = version === 'HTTP/1.1' ? Http1Agent.prototype : Http2Agent.prototype;
    const { end } = prototype;
    const spy = vi.spyOn(prototype, 'end').mockImplementation(function (this: typeof prototype, ...given: unknown[]) {
      order.push('ended');
      return end.apply(this as never, given as never);
    });
    closers.push(() => spy.mockRestore());
    expect(await askOver(version, started, 'Bearer mine')).toContain('200');
    await pause(50);
    expect(order).toEqual(['written', 'ended']);
  });
});

describe('a request without a secret that is answered while its body still comes', () => {
  it('is recorded when it is over, since what it sent is not known before', async () => {
    const { started, state } = await worker('default');
    const order: string[] = [];
    const { end } = Http1Agent.prototype;
    const spy = vi.spyOn(Http1Agent.prototype, 'end').mockImplementation(function (this: Http1Agent, ...given) {
      order.push('ended');
      return end.apply(this, given);
    });
    closers.push(() => spy.mockRestore());
    const agent = await started.openHttp1();
    state.onWrite = () => void order.push('written');
    agent.write(`POST /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\nContent-Length: 100000\r\n\r\nfirst`);
    await until(() => order.includes('written'));
    expect(order[0]).toBe('ended');
  });
});

describe('a secret in a message of a WebSocket', () => {
  async function opened() {
    const made = await worker('default');
    const agent = await made.started.openHttp1();
    let received = Buffer.alloc(0);
    agent.on('data', (bytes: Buffer) => (received = Buffer.concat([received, bytes])));
    agent.write(
      `GET /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await until(() => received.includes('\r\n\r\n'));
    const text = Buffer.from('onecli://prod/a');
    const say = (): boolean => agent.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
    const said = (): Buffer => received.subarray(received.indexOf('\r\n\r\n') + 4);
    return { ...made, say, said };
  }

  it('leaves with its intent in the trail', async () => {
    const { seen, intended, say } = await opened();
    expect(await intended()).toEqual([]);
    say();
    await until(() => seen.length > 0);
    expect(seen).toEqual([value]);
    expect(await intended()).toEqual(['prod/a@1']);
  });

  it('does not leave while the trail cannot be written: the WebSocket is closed', async () => {
    const { seen, intended, say, said, state } = await opened();
    state.isFull = true;
    say();
    await until(() => said().length > 0);
    expect(said()[0]).toBe(0x88);
    expect(seen.join('')).not.toContain(value);
    expect(await intended()).toEqual([]);
  });
});
