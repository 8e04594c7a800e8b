/**
 * A second opinion: the same absolute-form request through http-mitm-proxy, and through our codec as the proxy uses it. What
 * http-mitm-proxy lets reach a recording upstream is compared with what we would write. Loopback only.
 *
 * Left out of the comparison, since each proxy is free to choose: letter case and order of names, whether equal names are
 * one line or several, `Connection`, and whether a body is framed by length or by chunks.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Proxy } from 'http-mitm-proxy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutHopByHop } from '../../data-plane/src/wire/hop-by-hop.ts';
import { parseAbsoluteTarget } from '@onecli/shared/wire/parse-target';
import { encodeChunk, lastChunk, writeRequestHead } from '../../data-plane/src/wire/write-head.ts';
import { readRequest } from './read-message.ts';

interface Normal {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What reached the upstream, by connection. */
const recorded = new Map<Socket, Buffer[]>();
let upstream: Server;
let proxy: Proxy;
let folder: string;
let origin: string;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  upstream.on('connection', (socket: Socket) => {
    const bytes: Buffer[] = [];
    recorded.set(socket, bytes);
    socket.on('data', (piece: Buffer) => bytes.push(piece));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  origin = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'onecli-mitm-'));
  proxy = new Proxy();
  proxy.onError(() => undefined);
  await new Promise<void>((resolve, reject) => {
    proxy.listen({ port: 0, host: '127.0.0.1', sslCaDir: folder }, (error) => (error ? reject(error) : resolve()));
  });
});

afterAll(async () => {
  proxy.close();
  upstream.closeAllConnections();
  upstream.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the upstream got from http-mitm-proxy: the raw bytes, or undefined when it refused. */
async function throughMitmProxy(bytes: Buffer): Promise<Buffer | undefined> {
  recorded.clear();
  const socket = connect(proxy.httpPort, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'data');
  socket.destroy();
  const connections = [...recorded.values()].filter((pieces) => pieces.length > 0);
  return connections.length === 0 ? undefined : Buffer.concat(connections.flat());
}

/** What we would write, or undefined when we refuse. */
function throughCodec(bytes: Buffer): Buffer | undefined {
  const read = readRequest([bytes]);
  if (read.kind !== 'message') return undefined;
  const target = parseAbsoluteTarget(read.head.target);
  if (target.kind === 'fault') return undefined;
  const head = writeRequestHead(read.head.method, target.origin, withoutHopByHop(read.head.headers), read.framing);
  const body = read.framing.kind === 'chunked' ? [...encodeChunk(read.body), lastChunk] : [read.body];
  return Buffer.concat([Buffer.from(head, 'latin1'), ...body]);
}

function normalise(bytes: Buffer): Normal {
  const read = readRequest([bytes]);
  if (read.kind !== 'message') throw new Error(`not a message: ${JSON.stringify(read)}`);
  expect(read.rest.length).toBe(0);
  const headers: Record<string, string> = {};
  for (const { name, value } of read.head.headers) {
    if (['connection', 'content-length', 'transfer-encoding'].includes(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return { method: read.head.method, target: read.head.target, headers, body: read.body.toString('latin1') };
}

function request(line: string, fields: string[], body = ''): Buffer {
  return Buffer.from(
    [line.replace('ORIGIN', `http://${origin}`), `Host: ${origin}`, ...fields, '', body].join('\r\n'),
    'latin1',
  );
}

const chunkedBody = '3\r\nabc\r\n5;x=y\r\n01234\r\n0\r\n\r\n';

const same: [string, () => Buffer][] = [
  ['a plain GET', () => request('GET ORIGIN/a?b=c HTTP/1.1', [])],
  ['a GET without a path', () => request('GET ORIGIN HTTP/1.1', [])],
  ['several headers', () => request('GET ORIGIN/ HTTP/1.1', ['Accept: */*', 'X-A:b', 'X-B: \t c \t', 'X-Empty:'])],
  ['one name in two lines', () => request('GET ORIGIN/ HTTP/1.1', ['X-A: 1', 'x-a: 2'])],
  ['two Cookie lines', () => request('GET ORIGIN/ HTTP/1.1', ['Cookie: a=1', 'Cookie: b=2'])],
  ['a value with octets above 127', () => request('GET ORIGIN/ HTTP/1.1', ['X-A: caf\xe9'])],
  ['an escaped path', () => request('GET ORIGIN/a%2Fb;c//d%20e?f=%0A HTTP/1.1', [])],
  ['a body of a given length', () => request('POST ORIGIN/ HTTP/1.1', ['Content-Length: 3'], 'abc')],
  ['an empty body', () => request('POST ORIGIN/ HTTP/1.1', ['Content-Length: 0'])],
  ['a chunked body', () => request('PUT ORIGIN/ HTTP/1.1', ['Transfer-Encoding: chunked'], chunkedBody)],
  ['a DELETE with a body', () => request('DELETE ORIGIN/ HTTP/1.1', ['Content-Length: 3'], 'abc')],
  [
    'proxy credentials',
    () => request('GET ORIGIN/ HTTP/1.1', ['Proxy-Authorization: Basic YTpi', 'Proxy-Connection: keep-alive']),
  ],
  ['HTTP/1.0', () => request('GET ORIGIN/ HTTP/1.0', [])],
];

describe('our codec beside http-mitm-proxy', () => {
  it.each(same)('sends on the same for %s', async (_, make) => {
    const bytes = make();
    const ours = throughCodec(bytes);
    const theirs = await throughMitmProxy(bytes);
    if (ours === undefined || theirs === undefined) throw new Error('one of the two refused');
    expect(normalise(ours)).toEqual(normalise(theirs));
  });
});

/** What http-mitm-proxy passes on and we do not. */
const differences: [string, () => Buffer, string[]][] = [
  [
    'hop-by-hop headers',
    () => request('GET ORIGIN/ HTTP/1.1', ['Connection: x-a', 'X-A: 1', 'Keep-Alive: 5', 'TE: trailers']),
    ['keep-alive', 'te', 'x-a'],
  ],
  ['headers of ours', () => request('GET ORIGIN/ HTTP/1.1', ['X-OneCLI-Run: 1']), ['x-onecli-run']],
];

describe('our codec drops what http-mitm-proxy passes on', () => {
  it.each(differences)('%s', async (_, make, dropped) => {
    const bytes = make();
    const ours = throughCodec(bytes);
    const theirs = await throughMitmProxy(bytes);
    if (ours === undefined || theirs === undefined) throw new Error('one of the two refused');
    const kept = normalise(ours).headers;
    const passed = normalise(theirs).headers;
    expect(
      Object.keys(passed)
        .filter((name) => !(name in kept))
        .sort(),
    ).toEqual(dropped);
  });
});

const refused: [string, () => Buffer][] = [
  ['gzip, chunked', () => request('POST ORIGIN/ HTTP/1.1', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')],
  [
    'Transfer-Encoding on HTTP/1.0',
    () => request('POST ORIGIN/ HTTP/1.0', ['Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ],
  ['dot segments', () => request('GET ORIGIN/a/../b HTTP/1.1', [])],
  ['encoded dot segments', () => request('GET ORIGIN/a/%2e%2e/b HTTP/1.1', [])],
  ['two Host headers', () => request('GET ORIGIN/ HTTP/1.1', ['Host: b.example'])],
  ['a length with a leading zero', () => request('POST ORIGIN/ HTTP/1.1', ['Content-Length: 03'], 'abc')],
];

describe('our codec refuses what http-mitm-proxy passes on', () => {
  it.each(refused)('%s', async (_, make) => {
    const bytes = make();
    expect(throughCodec(bytes)).toBeUndefined();
    expect(await throughMitmProxy(bytes)).toBeDefined();
  });
});
