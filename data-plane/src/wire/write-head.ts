/**
 * Heads that we send. Each is framed by us: Content-Length and Transfer-Encoding among the given headers are dropped and
 * the given framing is written in their place. The checks here are the last ones before the socket, so they throw.
 */
import { isSendableTarget, isSendableValue, isToken } from './field-syntax.ts';
import type { Framing } from './frame-body.ts';
import { type Header, ParsedHeader } from './head.ts';

/** A field to send: a parsed header, or a name and a value. */
export type OutgoingHeader = Header | readonly [rawName: string, value: string];

/** Ends a chunked body without trailers (RFC 9112 7.1). */
export const lastChunk: Buffer = Buffer.from('0\r\n\r\n', 'latin1');

const CRLF = Buffer.from('\r\n', 'latin1');

/**
 * Gives an HTTP/1.1 request head, to be written as latin1. Throws a RangeError, without quoting anything, when the method,
 * the target, a name or a value could not be sent as one (RFC 9110 5.5, RFC 9112 3) or when the framing is `close`.
 */
export function writeRequestHead(
  method: string,
  target: string,
  headers: Iterable<OutgoingHeader>,
  framing: Framing,
): string {
  if (!isToken(method)) throw new RangeError('the method is not a token');
  if (!isSendableTarget(target)) throw new RangeError('the request target is not visible ASCII');
  if (framing.kind === 'close') throw new RangeError('a request body cannot be ended by closing');
  return `${method} ${target} HTTP/1.1\r\n${fieldLines(headers, false)}${framingLine(framing)}\r\n`;
}

/**
 * Gives an HTTP/1.1 response head, to be written as latin1. With framing `none` a Content-Length among the headers stays
 * (in answers to HEAD and in 304 it tells what a GET would have; RFC 9110 8.6), but never in 1xx and 204. Throws as
 * `writeRequestHead` does, and for a status outside 100 to 999. With `close` the caller sends `Connection: close`.
 */
export function writeResponseHead(
  status: number,
  reason: string,
  headers: Iterable<OutgoingHeader>,
  framing: Framing,
): string {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new RangeError('the status is out of range');
  if (!isSendableValue(reason)) throw new RangeError('the reason has a control byte');
  const keepsLength = framing.kind === 'none' && status >= 200 && status !== 204;
  return `HTTP/1.1 ${status} ${reason}\r\n${fieldLines(headers, keepsLength)}${framingLine(framing)}\r\n`;
}

/** Gives a payload as one chunk, in buffers to be written in order; it is not copied. Nothing for an empty payload. */
export function encodeChunk(...payload: readonly Buffer[]): Buffer[] {
  let size = 0;
  for (const piece of payload) size += piece.length;
  return size === 0 ? [] : [Buffer.from(`${size.toString(16)}\r\n`, 'latin1'), ...payload, CRLF];
}

function fieldLines(headers: Iterable<OutgoingHeader>, keepsLength: boolean): string {
  let lines = '';
  for (const header of headers) {
    const rawName = 'rawName' in header ? header.rawName : header[0];
    const value = 'rawName' in header ? header.value : header[1];
    if (isFraming(rawName, keepsLength)) continue;
    if (!(header instanceof ParsedHeader)) checkField(rawName, value);
    lines += `${rawName}: ${value}\r\n`;
  }
  return lines;
}

function checkField(rawName: string, value: string): void {
  if (!isToken(rawName)) throw new RangeError('a header name is not a token');
  if (!isSendableValue(value)) throw new RangeError('a header value has a control byte');
}

function isFraming(rawName: string, keepsLength: boolean): boolean {
  if (rawName.length === 14) return !keepsLength && rawName.toLowerCase() === 'content-length';
  return rawName.length === 17 && rawName.toLowerCase() === 'transfer-encoding';
}

function framingLine(framing: Framing): string {
  switch (framing.kind) {
    case 'length':
      return `Content-Length: ${framing.lengthBytes}\r\n`;
    case 'chunked':
      return 'Transfer-Encoding: chunked\r\n';
    case 'none':
    case 'close':
      return '';
  }
}
