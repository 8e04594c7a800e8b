import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CLIENT_HELLO_BYTES, readClientHello } from './client-hello.ts';

const vector = (lengthBytes: 1 | 2, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(body.length, 0, lengthBytes);
  return Buffer.concat([length, body]);
};
const extension = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, body)]);
const hostName = (name: string, type = 0): Buffer =>
  Buffer.concat([Buffer.from([type]), vector(2, Buffer.from(name, 'latin1'))]);
const sni = (...names: Buffer[]): Buffer => extension(0, vector(2, ...names));
const PADDING = extension(21, Buffer.alloc(300));

function message(...extensions: Buffer[]): Buffer {
  const fixed = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    vector(1, Buffer.alloc(32)),
    vector(2, Buffer.from([0x13, 1])),
    vector(1, Buffer.from([0])),
  ]);
  const body = extensions.length > 0 ? Buffer.concat([fixed, vector(2, ...extensions)]) : fixed;
  return Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body]);
}
function records(bytes: Buffer, recordBytes = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += recordBytes)
    parts.push(Buffer.from([22, 3, 1]), vector(2, bytes.subarray(at, at + recordBytes)));
  return Buffer.concat(parts);
}

describe('readClientHello', () => {
  it.each([
    ['the name that was sent, as it was sent', [PADDING, sni(hostName('API.example.com'))], 'API.example.com'],
    ['no name without the extension', [PADDING], undefined],
    ['no name without extensions', [], undefined],
  ])('gives %s', (_case, extensions, serverName) => {
    expect(readClientHello(records(message(...extensions)))).toEqual({ kind: 'hello', serverName });
  });

  it.each([
    ['two names', [sni(hostName('a.example'), hostName('b.example'))]],
    ['the extension twice', [sni(hostName('a.example')), sni(hostName('a.example'))]],
    ['an empty list', [sni()]],
    ['an empty name', [sni(hostName(''))]],
    ['a name of another type', [sni(hostName('a.example', 1))]],
    ['a NUL in the name', [sni(hostName('a.example\0.b'))]],
    ['a space in the name', [sni(hostName('a b'))]],
    ['letters outside of ASCII', [sni(hostName('bücher.example'))]],
    ['bytes after the list', [extension(0, Buffer.concat([vector(2, hostName('a.example')), Buffer.from([0])]))]],
    ['a list longer than its extension', [extension(0, Buffer.from([0, 9, 0, 0, 1, 97]))]],
  ])('refuses %s', (_case, extensions) => {
    expect(readClientHello(records(message(...extensions))).kind).toBe('malformed');
  });

  it.each([
    ['a record of another type', Buffer.from([23, 3, 1, 0, 1, 1])],
    ['another major version', Buffer.from([22, 2, 1, 0, 1, 1])],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 1])],
    ['a message that is too long', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0x40, 1])],
    ['another message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['an empty message', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])],
    [
      'endless small records',
      records(Buffer.concat([Buffer.from([1, 0, 0x3f, 0xff]), Buffer.alloc(MAX_CLIENT_HELLO_BYTES / 2)]), 1),
    ],
  ])('refuses %s', (_case, bytes) => {
    expect(readClientHello(bytes).kind).toBe('malformed');
  });

  it('asks for more until the message is whole, however it is cut into records', () => {
    const hello = message(PADDING, sni(hostName('api.example.com')));
    for (const recordBytes of [1, 3, 4, 5, 100, hello.length - 1, hello.length]) {
      const bytes = records(hello, recordBytes);
      for (let end = 0; end < bytes.length; end++) {
        const read = readClientHello(bytes.subarray(0, end));
        if (read.kind !== 'incomplete' || read.neededBytes <= end || read.neededBytes > bytes.length)
          throw new Error(`at ${end}: ${read.kind}`);
      }
      expect(readClientHello(Buffer.concat([bytes, Buffer.from('more')]))).toEqual({
        kind: 'hello',
        serverName: 'api.example.com',
      });
    }
  });

  it('gives an answer to any bytes', () => {
    const whole = records(message(PADDING, sni(hostName('api.example.com'))));
    const changed = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, value, end]) => {
      const copy = Buffer.from(whole);
      copy[at] = value;
      return copy.subarray(0, end);
    });
    const bytes = fc.oneof(
      changed,
      fc.uint8Array({ maxLength: 400 }).map((tail) => records(Buffer.concat([Buffer.from([1, 0, 0, 200]), tail]))),
    );
    fc.assert(
      fc.property(bytes, (input) => ['hello', 'malformed', 'incomplete'].includes(readClientHello(input).kind)),
      { numRuns: 5_000 },
    );
  });

  it('reads what OpenSSL sends', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      servername: 'api.example.com',
      ALPNProtocols: ['h2'],
    });
    client.on('error', () => undefined);
    const [socket] = await accepted;
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(readClientHello(bytes)).toEqual({ kind: 'hello', serverName: 'api.example.com' });
    client.destroy();
    server.close();
    await once(server, 'close');
  });
});
