/** Reads one whole message through every step of the codec, as the proxy does, from bytes that arrive in given pieces. */
import { type WireFault } from '@onecli/shared/wire/wire-fault';
import { BodyReader, requestFraming, responseFraming } from '../../data-plane/src/wire/frame-body.ts';
import type { Framing } from '../../data-plane/src/wire/frame-body.ts';
import { singleHost } from '../../data-plane/src/wire/head.ts';
import type { Header, Parsed, RequestHead, ResponseHead } from '../../data-plane/src/wire/head.ts';
import { parseAuthority } from '@onecli/shared/wire/parse-authority';
import { parseRequestHead, parseResponseHead } from '../../data-plane/src/wire/parse-head.ts';
import { parseAbsoluteTarget, parseTarget } from '@onecli/shared/wire/parse-target';

export interface Message<T> {
  readonly kind: 'message';
  readonly head: T;
  readonly framing: Framing;
  readonly body: Buffer;
  readonly trailers: readonly Header[];
  /** Bytes behind the message. */
  readonly rest: Buffer;
}

export type Verdict<T> = Message<T> | WireFault | { readonly kind: 'incomplete' };

export const limits = { maxHeadBytes: 8192, maxHeaders: 50 };

/** Cuts bytes at the given offsets, in any order, duplicates and offsets out of range included. */
export function cutAt(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const cuts = offsets.filter((offset) => offset > 0 && offset < bytes.length).sort((a, b) => a - b);
  const bounds = [0, ...cuts, bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
}

export function readRequest(pieces: readonly Buffer[]): Verdict<RequestHead> {
  return readMessage(pieces, parseRequestHead, (head) => checkAddress(head) ?? requestFraming(head));
}

export function readResponse(
  pieces: readonly Buffer[],
  requestMethod: string,
  hasEnded = false,
): Verdict<ResponseHead> {
  return readMessage(pieces, parseResponseHead, (head) => responseFraming(head, requestMethod), hasEnded);
}

/** Target and Host, as far as they can be judged without knowing the tunnel. */
function checkAddress(head: RequestHead): WireFault | undefined {
  const target =
    head.method === 'CONNECT'
      ? parseAuthority(head.target)
      : head.target.startsWith('/')
        ? parseTarget(head.target)
        : parseAbsoluteTarget(head.target);
  if (target.kind === 'fault') return target;
  if (target.kind === 'absolute') {
    const origin = parseTarget(target.origin);
    if (origin.kind === 'fault') return origin;
  }
  const host = singleHost(head);
  if (typeof host !== 'string') return host;
  const authority = parseAuthority(host, 80);
  return authority.kind === 'fault' ? authority : undefined;
}

function readMessage<T>(
  pieces: readonly Buffer[],
  parse: (bytes: Buffer, headLimits: typeof limits, resumeFrom?: number) => Parsed<T>,
  frame: (head: T) => Framing | WireFault,
  hasEnded = false,
): Verdict<T> {
  let held = Buffer.alloc(0);
  let resumeFrom = 0;
  for (const [index, piece] of pieces.entries()) {
    held = Buffer.concat([held, piece]);
    const parsed = parse(held, limits, resumeFrom);
    if (parsed.kind === 'fault') return parsed;
    if (parsed.kind === 'incomplete') {
      resumeFrom = parsed.resumeFrom;
      continue;
    }
    const framing = frame(parsed.head);
    if (framing.kind === 'fault') return framing;
    return readBody(parsed.head, framing, [held.subarray(parsed.consumedBytes), ...pieces.slice(index + 1)], hasEnded);
  }
  return { kind: 'incomplete' };
}

function readBody<T>(head: T, framing: Framing, pieces: readonly Buffer[], hasEnded: boolean): Verdict<T> {
  const reader = new BodyReader(framing);
  const payload: Buffer[] = [];
  for (const [index, piece] of pieces.entries()) {
    const read = reader.read(piece);
    if (read.kind === 'fault') return read;
    payload.push(...read.chunks);
    if (!read.done) continue;
    const rest = Buffer.concat([piece.subarray(read.consumedBytes), ...pieces.slice(index + 1)]);
    return { kind: 'message', head, framing, body: Buffer.concat(payload), trailers: reader.trailers, rest };
  }
  if (!hasEnded) return { kind: 'incomplete' };
  const end = reader.end();
  if (end.kind === 'fault') return end;
  return { kind: 'message', head, framing, body: Buffer.concat(payload), trailers: [], rest: Buffer.alloc(0) };
}
