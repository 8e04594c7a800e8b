import { constants } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyReader } from '../../data-plane/src/wire/frame-body.ts';
import type { Framing } from '../../data-plane/src/wire/frame-body.ts';
import { withoutHopByHop } from '../../data-plane/src/wire/hop-by-hop.ts';
import { parseAuthority } from '@onecli/shared/wire/parse-authority';
import { parseRequestHead, parseResponseHead } from '../../data-plane/src/wire/parse-head.ts';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import { encodeChunk, lastChunk, writeRequestHead, writeResponseHead } from '../../data-plane/src/wire/write-head.ts';
import { cutAt, limits, readRequest, readResponse } from '../differential/read-message.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 12;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 20_000) / properties));

const tokenOctets = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".split('');
const token = fc.string({ unit: fc.constantFrom(...tokenOctets), minLength: 1, maxLength: 20 });
const method = token.map((text) => text.toUpperCase());
const valueOctet = fc.oneof(fc.integer({ min: 32, max: 126 }), fc.integer({ min: 128, max: 255 }), fc.constant(9));
const value = fc
  .array(valueOctet, { maxLength: 40 })
  .map((octets) => String.fromCharCode(...octets).replace(/^[ \t]+|[ \t]+$/g, ''));
const field = fc
  .tuple(token, value)
  .filter(([name]) => !/^(content-length|transfer-encoding|upgrade|host)$/i.test(name));
const fields = fc.array(field, { maxLength: 12 });
const target = fc.string({
  unit: fc.integer({ min: 33, max: 126 }).map((octet) => String.fromCharCode(octet)),
  maxLength: 40,
});
const payloads = fc
  .array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 })
  .map((list) => list.map((part) => Buffer.from(part)));
const offsets = fc.array(fc.nat(700), { maxLength: 12 });

/** Text near to HTTP, so that more than the first octet is reached. */
const fragments = [
  'GET ',
  'POST ',
  'CONNECT ',
  '/',
  '/a?b',
  'http://a.example/',
  'a.example:443',
  ' HTTP/1.1',
  ' HTTP/1.0',
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  '\0',
  '\t',
  ' ',
  ':',
  'Host: a.example\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: ',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding',
  'Upgrade: x\r\n',
  'Connection: ',
  'chunked',
  '0\r\n\r\n',
  '3\r\nabc\r\n',
  '3',
  'abc',
  ';a=b',
  '0x3',
  '+',
  'ffffffffffffffff',
  '\x0b',
  '%2e',
  '..',
  '\xff',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 204 \r\n',
]; // prettier-ignore
const nearHttp = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...fragments) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 8 }) },
    ),
    {
      maxLength: 25,
    },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));
const requestPrefix = 'POST /a HTTP/1.1\r\nHost: a.example\r\n';
const nearRequest = nearHttp.map((bytes) => Buffer.concat([Buffer.from(requestPrefix, 'latin1'), bytes]));
const nearChunked = nearHttp.map((bytes) =>
  Buffer.concat([Buffer.from(`${requestPrefix}Transfer-Encoding: chunked\r\n\r\n`, 'latin1'), bytes]),
);
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
  nearHttp,
  nearRequest,
  nearChunked,
);

function check<T extends [unknown, ...unknown[]]>(
  ...args: [...{ [K in keyof T]: fc.Arbitrary<T[K]> }, (...values: T) => void]
): void {
  const predicate = args.pop() as (...values: T) => void;
  const arbitraries = args as unknown as { [K in keyof T]: fc.Arbitrary<T[K]> };
  fc.assert(fc.property<T>(...arbitraries, predicate), { numRuns });
}

function encodeBody(framing: Framing, parts: readonly Buffer[]): Buffer {
  if (framing.kind !== 'chunked') return Buffer.concat(parts);
  return Buffer.concat([...parts.flatMap((part) => encodeChunk(part)), lastChunk]);
}

const framingOf = (kind: 'length' | 'chunked', parts: readonly Buffer[]): Framing =>
  kind === 'chunked' ? { kind } : { kind, lengthBytes: Buffer.concat(parts).length };

describe('what is written is what is read', () => {
  it('keeps a request head and body, in any pieces', () => {
    check(
      method,
      target,
      fields,
      payloads,
      fc.constantFrom('length' as const, 'chunked' as const),
      offsets,
      (verb, tail, list, parts, kind, cuts) => {
        fc.pre(verb !== 'CONNECT' && parseTarget(`/${tail}`).kind === 'origin');
        const framing = framingOf(kind, parts);
        const head = writeRequestHead(verb, `/${tail}`, [['Host', 'a.example'], ...list], framing);
        const bytes = Buffer.concat([Buffer.from(head, 'latin1'), encodeBody(framing, parts), Buffer.from('next')]);
        const read = readRequest(cutAt(bytes, cuts));
        if (read.kind !== 'message') throw new Error(JSON.stringify(read));
        expect([read.head.method, read.head.target, read.head.minor]).toEqual([verb, `/${tail}`, 1]);
        expect(read.head.headers.slice(1, 1 + list.length).map((header) => [header.rawName, header.value])).toEqual(
          list,
        );
        expect(read.framing).toEqual(framing);
        expect(read.body).toEqual(Buffer.concat(parts));
        expect(read.rest.toString()).toBe('next');
      },
    );
  });

  it('keeps a response head and body, in any pieces', () => {
    const status = fc.integer({ min: 200, max: 999 }).filter((code) => code !== 204 && code !== 304);
    check(
      status,
      value,
      fields,
      payloads,
      fc.constantFrom('length' as const, 'chunked' as const),
      offsets,
      (code, reason, list, parts, kind, cuts) => {
        const framing = framingOf(kind, parts);
        const head = writeResponseHead(code, reason, list, framing);
        const bytes = Buffer.concat([Buffer.from(head, 'latin1'), encodeBody(framing, parts)]);
        const read = readResponse(cutAt(bytes, cuts), 'GET');
        if (read.kind !== 'message') throw new Error(JSON.stringify(read));
        expect([read.head.status, read.head.reason]).toEqual([code, reason]);
        expect(read.head.headers.slice(0, list.length).map((header) => [header.rawName, header.value])).toEqual(list);
        expect(read.body).toEqual(Buffer.concat(parts));
      },
    );
  });

  it('never writes a head that reads as another one, whatever the values are', () => {
    const anyText = fc.string({
      unit: fc.oneof(fc.integer({ max: 255 }), fc.integer({ max: 0xffff })).map((code) => String.fromCharCode(code)),
      maxLength: 12,
    });
    check(anyText, anyText, anyText, anyText, (verb, path, name, text) => {
      let head: string;
      try {
        head = writeRequestHead(
          verb,
          path,
          [
            ['Host', 'a'],
            [name, text],
          ],
          { kind: 'none' },
        );
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        return;
      }
      const read = parseRequestHead(Buffer.from(head, 'latin1'), limits);
      if (read.kind === 'fault') expect(verb).toMatch(/[a-z]/);
      else {
        expect(read).toMatchObject({ kind: 'head', consumedBytes: head.length, head: { method: verb, target: path } });
        const isFraming = /^(content-length|transfer-encoding)$/i.test(name);
        const kept = read.kind === 'head' ? read.head.headers.map((header) => header.rawName) : [];
        expect(kept).toEqual(isFraming ? ['Host'] : ['Host', name]);
      }
    });
  });
});

describe('how bytes are cut does not matter', () => {
  it('gives one verdict and one message for a request', () => {
    check(anyBytes, offsets, (bytes, cuts) => {
      const whole = readRequest([bytes]);
      const cut = readRequest(cutAt(bytes, cuts));
      if (whole.kind === 'fault') expect(cut.kind).toBe('fault');
      else expect(cut).toEqual(whole);
    });
  });

  it('gives one verdict and one message for a response', () => {
    const near = fc.oneof(
      anyBytes,
      nearHttp.map((bytes) => Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n', 'latin1'), bytes])),
    );
    check(near, offsets, fc.boolean(), (bytes, cuts, hasEnded) => {
      const whole = readResponse([bytes], 'GET', hasEnded);
      const cut = readResponse(cutAt(bytes, cuts), 'GET', hasEnded);
      if (whole.kind === 'fault') expect(cut.kind).toBe('fault');
      else expect(cut).toEqual(whole);
    });
  });
});

describe('arbitrary bytes', () => {
  it('never make a head parser throw, or consume more than there is', () => {
    check(anyBytes, fc.nat(400), fc.nat(20), (bytes, maxHeadBytes, maxHeaders) => {
      for (const parse of [parseRequestHead, parseResponseHead]) {
        const parsed = parse(bytes, { maxHeadBytes, maxHeaders });
        if (parsed.kind !== 'head') continue;
        expect(parsed.consumedBytes).toBeLessThanOrEqual(Math.min(bytes.length, maxHeadBytes));
        expect(parsed.head.headers.length).toBeLessThanOrEqual(maxHeaders);
      }
    });
  });

  it('never make a body reader throw, stand still, or hold more than the trailers', () => {
    const framings: Framing[] = [
      { kind: 'none' },
      { kind: 'length', lengthBytes: 20 },
      { kind: 'chunked' },
      { kind: 'close' },
    ];
    check(fc.constantFrom(...framings), fc.array(anyBytes, { maxLength: 8 }), (framing, pieces) => {
      const reader = new BodyReader(framing);
      for (const piece of pieces) {
        const read = reader.read(piece);
        if (read.kind === 'fault') expect(reader.read(piece)).toBe(read);
        else {
          if (!read.done) expect(read.consumedBytes).toBe(piece.length);
          expect(read.chunks.every((chunk) => chunk.length > 0 && chunk.buffer === piece.buffer)).toBe(true);
        }
      }
      reader.end();
    });
  });

  it('never make a fault that quotes them', () => {
    const marked = fc.array(fc.constantFrom(...fragments, 'CANARY', 'CANARY: ', 'X-CANARY: CANARY\r\n'), {
      maxLength: 12,
    });
    check(marked, (parts) => {
      const verdict = readRequest([Buffer.from(`${requestPrefix}${parts.join('')}`, 'latin1')]);
      expect(JSON.stringify(verdict.kind === 'fault' ? verdict : '')).not.toContain('CANARY');
    });
  });
});

describe('canonical forms', () => {
  const pathPart = fc.constantFrom(
    '/',
    '//',
    'a',
    'B',
    '.',
    '..',
    ';',
    ';x=1',
    '%2f',
    '%2F',
    '%61',
    '%25',
    '2e',
    '%2e',
    '%3b',
    '%5c',
    '%20',
    '%c3%a9',
    '%C0%AE',
    '@',
    '?',
    '%',
  );

  it('of an authority are their own canonical form', () => {
    const label = fc.string({ unit: fc.constantFrom(...'abzAZ019-_xn\xc3\xbc\xe3\x80\x82'.split('')), maxLength: 8 });
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const host = fc.oneof(
      name,
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((text) => `[${text}]`),
      fc.string({ maxLength: 12 }),
    );
    check(host, fc.nat(70_000), (text, port) => {
      const first = parseAuthority(`${text}:${port}`);
      if (first.kind === 'fault') return;
      expect(first.host).toMatch(/^(?:[a-z0-9_.-]+|\[[0-9a-f:]+\])$/);
      expect(parseAuthority(`${first.host}:${first.port}`)).toEqual(first);
      expect(parseAuthority(first.host, first.port)).toEqual(first);
    });
  });

  it('of a path hold no dot segment, and reading a reading brings nothing that was not judged', () => {
    check(fc.array(pathPart, { maxLength: 9 }), (parts) => {
      const parsed = parseTarget(`/${parts.join('')}`);
      if (parsed.kind === 'fault') return;
      expect(parsed.readings.length).toBeLessThanOrEqual(64);
      for (const reading of parsed.readings) {
        expect(decodeFully(reading).split('/')).not.toContain('..');
        const again = parseTarget(reading);
        if (again.kind === 'fault') throw new Error(`${reading}: ${again.detail}`);
      }
      expect(new Set(parsed.readings).size).toBe(parsed.readings.length);
      const plain = parsed.readings.filter((reading) => !/[%;]|\/\//.test(reading));
      for (const reading of plain) expect(parseTarget(reading)).toMatchObject({ readings: [reading] });
    });
  });

  it('of a list of headers without hop-by-hop ones are stable', () => {
    const name = fc.constantFrom(
      'Connection',
      'Host',
      'X-A',
      'X-B',
      'Keep-Alive',
      'Proxy-Foo',
      'X-OneCLI-Run',
      'TE',
      'Authorization',
      'Content-Length',
    );
    check(
      fc.array(fc.tuple(name, fc.constantFrom('x-a', 'Host, x-b', 'close', 'a', 'authorization,content-length')), {
        maxLength: 10,
      }),
      (list) => {
        const headers = list.map(([rawName, text]) => ({ rawName, name: rawName.toLowerCase(), value: text }));
        const once = withoutHopByHop(headers);
        expect(withoutHopByHop(once)).toEqual(once);
        const kept = (which: string) => once.filter((header) => header.name === which).length;
        for (const which of ['host', 'authorization', 'content-length']) {
          expect(kept(which)).toBe(headers.filter((header) => header.name === which).length);
        }
        for (const which of ['connection', 'te', 'keep-alive', 'proxy-foo', 'x-onecli-run'])
          expect(kept(which)).toBe(0);
      },
    );
  });

  it('of text are never so long that they could not be', () => {
    check(fc.nat(3000), fc.constantFrom('%2f', ';', '//', '%2561', '/a;b%2f'), (count, part) => {
      const parsed = parseTarget(`/a${part.repeat(count)}`);
      if (parsed.kind === 'origin')
        expect(parsed.readings.join('').length).toBeLessThan(constants.MAX_STRING_LENGTH / 1000);
    });
  });
});

function decodeFully(text: string): string {
  const next = text.replace(/%[0-9a-fA-F]{2}/g, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
  return next === text ? text : decodeFully(next);
}
