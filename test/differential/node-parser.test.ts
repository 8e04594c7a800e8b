/**
 * The same bytes to Node's own server parser and to ours. Where we accept, Node must accept and read the same message: two
 * parsers that disagree about an accepted message are how requests are smuggled. Where only one accepts, the case is
 * listed here by name, so that a change of either shows.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequest } from './read-message.ts';

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: string[];
  readonly body: string;
}

/** Both ends of a connection without a socket: what the parser is fed, and nothing it says. */
class FedConnection extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
  setTimeout(): this {
    return this;
  }
}

/** What Node makes of the bytes: its first message, or undefined when it refuses them or waits for more. */
async function readByNode(bytes: Buffer): Promise<Seen | undefined> {
  const connection = new FedConnection();
  const server = createServer({ requireHostHeader: false, joinDuplicateHeaders: false });
  const verdict = new Promise<Seen | undefined>((resolve, reject) => {
    const take = (request: IncomingMessage): void => {
      collect(request).then(resolve, () => resolve(undefined));
    };
    server.on('request', take);
    server.on('checkContinue', take);
    server.on('connect', (request) => resolve(seen(request, '')));
    server.on('upgrade', (request) => resolve(seen(request, '')));
    server.on('clientError', () => resolve(undefined));
    server.on('error', reject);
  });
  server.emit('connection', connection);
  connection.push(bytes);
  // The parser runs within this turn; an end in the same turn would abort a message that is whole.
  await nextTurn();
  connection.push(null);
  const result = await verdict;
  connection.destroy();
  await closed(connection, server);
  return result;
}

async function closed(connection: Duplex, server: Server): Promise<void> {
  if (!connection.closed) await once(connection, 'close');
  server.closeAllConnections();
}

async function collect(request: IncomingMessage): Promise<Seen> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return seen(request, Buffer.concat(parts).toString('latin1'));
}

function seen(request: IncomingMessage, body: string): Seen {
  return { method: request.method ?? '', target: request.url ?? '', headers: request.rawHeaders, body };
}

function readByUs(bytes: Buffer): Seen | undefined {
  const read = readRequest([bytes]);
  if (read.kind !== 'message') return undefined;
  const headers = read.head.headers.flatMap((header) => [header.rawName, header.value]);
  return { method: read.head.method, target: read.head.target, headers, body: read.body.toString('latin1') };
}

interface Case {
  readonly name: string;
  readonly request: string;
}

const corpus = new URL('../corpus/wire/', import.meta.url);
const cases = readdirSync(corpus)
  .filter((file) => file.startsWith('request-'))
  .flatMap((file) => JSON.parse(readFileSync(new URL(file, corpus), 'utf8')) as Case[]);

/** Node hands these on unread: whoever uses it has to look at targets and Host himself. We refuse them all. */
const notJudgedByNode = new Set(['BAD_TARGET', 'BAD_AUTHORITY', 'BAD_HOST', 'MISSING_HOST']);

/** Faults of syntax and framing that Node lets pass and we do not; see the corpus for the bytes. */
const onlyNodeAccepts: readonly string[] = [
  'CONNECT with a length',
  'CONNECT with chunks',
  'HTTP/0.9',
  'HTTP/2.0',
  'Transfer-Encoding on HTTP/1.0',
  'Upgrade with a length',
  'Upgrade with chunks',
  'a bare CR ahead',
  'a bare LF ahead',
  'a length with a leading zero',
  'a size of many zeros',
  'chunked with a comma',
  'extensions over the limit',
  'extensions over the limit, spread over chunks',
  'gzip, chunked',
  'too many trailers',
  'trailers over the limit',
  'two empty lines ahead',
  'two spaces after the method',
  'two spaces after the target',
];

/** Node's parser has a fixed list of methods; ours takes any token in upper case, which policy then judges. */
const methodsOfBoth = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'CONNECT');

describe('our codec beside the parser of node:http', () => {
  it('reads what it accepts as Node does, over the corpus', async () => {
    for (const { name, request } of cases) {
      const bytes = Buffer.from(request, 'latin1');
      const ours = readByUs(bytes);
      if (ours !== undefined) expect([name, await readByNode(bytes)]).toEqual([name, ours]);
    }
  });

  it('is stricter than Node in these places and no others', async () => {
    const found: string[] = [];
    for (const { name, request } of cases) {
      const bytes = Buffer.from(request, 'latin1');
      const ours = readRequest([bytes]);
      if (ours.kind !== 'fault' || notJudgedByNode.has(ours.code)) continue;
      if ((await readByNode(bytes)) !== undefined) found.push(name);
    }
    expect(found.sort()).toEqual([...onlyNodeAccepts].sort());
  });

  it('reads what it accepts as Node does, over generated requests', async () => {
    const line = fc.constantFrom(
      'Content-Length: 3',
      'Content-Length: 0',
      'Content-Length: 03',
      'Content-Length:3',
      'Content-Length: 3 ',
      'Content-Length: +3',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: Chunked',
      'Transfer-Encoding:\tchunked',
      'Transfer-Encoding: gzip, chunked',
      'X-A: b',
      'X-A:',
      ': b',
      'X-A : b',
      ' folded',
      'X-A: \xe9',
      'X-A: a\tb',
      'X-A: \x01',
      'Connection: close',
      'Connection: keep-alive, x-a',
      'Expect: 100-continue',
      'Upgrade: websocket',
      'Connection: upgrade',
      'Trailer: x-a',
      'X!#$: b',
    ); // prettier-ignore
    const bodies = fc.constantFrom(
      '',
      'abc',
      '3\r\nabc\r\n0\r\n\r\n',
      '0\r\n\r\n',
      '3;a=b\r\nabc\r\n0\r\nX-T: u\r\n\r\n',
      '3 \r\nabc\r\n0\r\n\r\n',
      '3\nabc\r\n0\r\n\r\n',
    );
    const targets = fc.constantFrom('/', '/a?b', 'http://a.example/', 'a.example:443', '/a"<>{}|^`[]');
    const versions = fc.constantFrom('HTTP/1.1', 'HTTP/1.0');
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        methodsOfBoth,
        targets,
        versions,
        fc.array(line, { maxLength: 4 }),
        bodies,
        async (method, target, version, lines, body) => {
          const text = [`${method} ${target} ${version}`, 'Host: a.example', ...lines, '', body].join('\r\n');
          const bytes = Buffer.from(text, 'latin1');
          const read = readRequest([bytes]);
          if (read.kind !== 'message') return;
          accepted++;
          // Only what we take for this message: Node must see its end at the same octet.
          const own = bytes.subarray(0, bytes.length - read.rest.length);
          expect(await readByNode(own)).toEqual(readByUs(own));
        },
      ),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
