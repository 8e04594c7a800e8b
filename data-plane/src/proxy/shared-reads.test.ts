import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueLeaf } from '@onecli/shared/certificates/issue-leaf';
import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UpstreamTls } from '../tls/upstream-tls.ts';
import { dial } from './dial.ts';
import { SocketReader } from './socket-reader.ts';
import { SharedReads } from './shared-reads.ts';
import { until } from './testing/loopback-pair.ts';

const authority = createAuthority({ commonName: 'Upstream authority', validDays: 2 });
const leaf = issueLeaf(parseAuthority(authority), 'upstream.example');
const tls = new UpstreamTls({ extraRootsPem: authority.certificatePem });
let server: Server;

beforeAll(async () => {
  server = createServer({ cert: leaf.certificatePem, key: leaf.privateKeyPem });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

/** A dialled socket and its upstream's end. */
async function dialled(addresses = ['127.0.0.1']): Promise<{ socket: TLSSocket; upstream: TLSSocket }> {
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const { port } = server.address() as AddressInfo;
  const result = await dial(
    { host: 'upstream.example', port, isSecure: true },
    {
      resolver: new CheckedResolver({
        guard: new AddressGuard({ allowRanges: ['127.0.0.0/8'], ownListeners: [] }),
        lookupAll: () => Promise.resolve(addresses.map((address) => ({ address, family: 4 }))),
      }),
      tls,
      dialMs: 5_000,
      isPortNamed: () => true,
    },
  );
  if (result.kind !== 'dialled') throw new Error(result.message);
  const [upstream] = await accepted;
  upstream.on('error', () => undefined);
  return { socket: result.socket as TLSSocket, upstream };
}

async function readAll(reader: SocketReader, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let read = 0; read < length; ) {
    const bytes = await reader.read();
    if (typeof bytes === 'string') throw new Error(bytes);
    chunks.push(bytes);
    read += bytes.length;
  }
  return Buffer.concat(chunks);
}

describe('reads into one buffer', () => {
  it('gives each socket bytes of its own, which no later read changes', async () => {
    const pairs: Awaited<ReturnType<typeof dialled>>[] = [];
    for (let index = 0; index < 4; index++) pairs.push(await dialled());
    expect(pairs.map(({ socket }) => SharedReads.of(socket) !== undefined)).toEqual([true, true, true, true]);
    const readers = pairs.map(({ socket }) => new SocketReader(socket));
    const texts = pairs.map((_, index) => Buffer.alloc(40_000, `${index}`));
    for (const [index, { upstream }] of pairs.entries()) upstream.write(texts[index] ?? '');
    // All have arrived before the first is looked at.
    await until(() => readers.every(({ queuedBytes }) => queuedBytes === 40_000));
    for (const [index, reader] of readers.entries()) expect(await readAll(reader, 40_000)).toEqual(texts[index]);
    for (const { socket } of pairs) socket.destroy();
  });

  it('stop while nobody takes what was read, and go on', async () => {
    const { socket, upstream } = await dialled();
    const reader = new SocketReader(socket);
    const bytes = 32 * 1024 * 1024;
    upstream.write(Buffer.alloc(bytes, 'x'));
    await until(() => reader.queuedBytes >= 64 * 1024);
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(reader.queuedBytes).toBeLessThan(256 * 1024);
    expect((await readAll(reader, bytes)).length).toBe(bytes);
    upstream.end();
    expect(await reader.read()).toBe('end');
  });

  it('leave the socket a stream for its next owner, with nothing lost between', async () => {
    const { socket, upstream } = await dialled();
    const reader = new SocketReader(socket);
    upstream.write('one');
    await until(() => reader.queuedBytes === 3);
    expect(reader.detach().toString()).toBe('one');
    const bytes = 4 * 1024 * 1024;
    upstream.end(Buffer.alloc(bytes, 'y'));
    let length = 0;
    socket.on('data', (chunk: Buffer) => (length += chunk.length));
    socket.resume();
    await once(socket, 'end');
    expect(length).toBe(bytes);
  });

  it('go on when the first of several addresses does not answer', async () => {
    const { socket, upstream } = await dialled(['127.0.0.2', '127.0.0.3', '127.0.0.1']);
    const reader = new SocketReader(socket);
    upstream.write('here');
    expect([socket.remoteAddress, (await readAll(reader, 4)).toString()]).toEqual(['127.0.0.1', 'here']);
    expect([socket.authorized, socket.servername ?? socket.alpnProtocol]).toEqual([true, 'upstream.example']);
    socket.destroy();
  });
});
