import { describe, expect, it } from 'vitest';
import { parseRequestHead, parseResponseHead } from './parse-head.ts';

const limits = { maxHeadBytes: 200, maxHeaders: 3 };
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('parseRequestHead', () => {
  it('gives method, target, version and headers, and leaves the rest', () => {
    const text = 'POST /a?b HTTP/1.0\r\nHost: a.example\r\nX-Caf\xe9'.replace('\xe9', 'e') + ': \t caf\xe9 \t\r\n\r\n';
    expect(parseRequestHead(bytesOf(`${text}body`), limits)).toEqual({
      kind: 'head',
      head: {
        method: 'POST',
        target: '/a?b',
        minor: 0,
        headers: [
          { name: 'host', rawName: 'Host', value: 'a.example' },
          { name: 'x-cafe', rawName: 'X-Cafe', value: 'caf\xe9' },
        ],
      },
      consumedBytes: text.length,
    });
  });

  it('takes any token in upper case as a method', () => {
    expect(parseRequestHead(bytesOf('M-SEARCH / HTTP/1.1\r\n\r\n'), limits)).toMatchObject({
      head: { method: 'M-SEARCH' },
    });
  });

  it('goes on where it left off and finds an end that was cut in the middle', () => {
    const bytes = bytesOf('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const first = parseRequestHead(bytes.subarray(0, bytes.length - 2), limits);
    expect(first).toEqual({ kind: 'incomplete', resumeFrom: bytes.length - 5 });
    expect(parseRequestHead(bytes, limits, bytes.length - 5)).toMatchObject({
      kind: 'head',
      consumedBytes: bytes.length,
    });
  });

  it('refuses a head over the limit as soon as that is known, and takes one of just that size', () => {
    const head = (size: number): string => `GET / HTTP/1.1\r\nX: ${'a'.repeat(size - 23)}\r\n\r\n`;
    expect(parseRequestHead(bytesOf(head(200)), limits)).toMatchObject({ kind: 'head', consumedBytes: 200 });
    expect(parseRequestHead(bytesOf(head(201)), limits)).toMatchObject({ code: 'HEAD_TOO_LARGE' });
    expect(parseRequestHead(bytesOf(head(300).slice(0, 199)), limits)).toMatchObject({ kind: 'incomplete' });
    expect(parseRequestHead(bytesOf(head(300).slice(0, 200)), limits)).toMatchObject({ code: 'HEAD_TOO_LARGE' });
  });

  it('refuses more headers than allowed, and takes just as many', () => {
    expect(parseRequestHead(bytesOf(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(3)}\r\n`), limits)).toMatchObject({
      kind: 'head',
    });
    expect(parseRequestHead(bytesOf(`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(4)}\r\n`), limits)).toMatchObject({
      code: 'TOO_MANY_HEADERS',
    });
  });

  it('refuses a bare LF and a first byte of no method before the head is complete', () => {
    expect(parseRequestHead(bytesOf('GET / HTTP/1.1\nHost'), limits)).toMatchObject({ code: 'BAD_HEADER' });
    expect(parseRequestHead(bytesOf('\x16'), limits)).toMatchObject({ code: 'BAD_REQUEST_LINE' });
    expect(parseRequestHead(bytesOf('\r\n\x16'), limits)).toMatchObject({ code: 'BAD_REQUEST_LINE' });
    expect(parseRequestHead(bytesOf('\r\n'), limits)).toEqual({ kind: 'incomplete', resumeFrom: 0 });
  });

  it('never quotes what it refuses', () => {
    for (const text of [
      'CANARY\0 / HTTP/1.1',
      'GET /CANARY\xff HTTP/1.1',
      'GET / CANARY',
      'GET / HTTP/1.1\r\nCANARY : x',
      'GET / HTTP/1.1\r\nA: CANARY\0',
    ]) {
      expect(JSON.stringify(parseRequestHead(bytesOf(`${text}\r\n\r\n`), limits))).not.toContain('CANARY');
    }
  });
});

describe('parseResponseHead', () => {
  it('gives status, reason and version', () => {
    const parsed = parseResponseHead(bytesOf('HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n'), limits);
    expect(parsed).toMatchObject({ kind: 'head', head: { status: 404, reason: 'Not Found', minor: 0 } });
  });

  it('takes an empty reason, with or without its space', () => {
    for (const line of ['HTTP/1.1 200 ', 'HTTP/1.1 200']) {
      expect(parseResponseHead(bytesOf(`${line}\r\n\r\n`), limits)).toMatchObject({
        head: { status: 200, reason: '' },
      });
    }
  });

  it('refuses bytes that cannot become a status line at once', () => {
    expect(parseResponseHead(bytesOf('SSH-2.0'), limits)).toMatchObject({ code: 'BAD_STATUS_LINE' });
    expect(parseResponseHead(bytesOf('HTTP/1.1 '), limits)).toMatchObject({ kind: 'incomplete' });
  });
});
