/** The upstream's answer on its way to the agent: parsed strictly, framed by us, streamed as it comes (rules 3, 7, 9). */
import { BodyReader, type Framing, responseFraming } from '../wire/frame-body.ts';
import type { ResponseHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import { parseResponseHead } from '../wire/parse-head.ts';
import { writeResponseHead } from '../wire/write-head.ts';
import type { AgentSide } from './agent-side.ts';
import { type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import type { Forwarded, Outgoing, Sending } from './forward.ts';
import { frameChunks } from './frame-chunks.ts';
import type { Upstream } from './upstream-pool.ts';
import { writeBytes } from './write-bytes.ts';

export type Relayed =
  | (Extract<Forwarded, { kind: 'answered' }> & { readonly isUpstreamReusable: boolean })
  | Exclude<Forwarded, { kind: 'answered' }>
  /** The connection ended before the first byte of an answer. */
  | { readonly kind: 'no-answer' };

/** At most this many interim answers (1xx) before the final one. */
const maxInterim = 16;
const flushBytes = 16 * 1024;

/** Relays interim answers and the final one. */
export async function relayAnswer(
  plane: DataPlane,
  side: AgentSide,
  outgoing: Outgoing,
  upstream: Upstream,
  sending: Sending,
): Promise<Relayed> {
  for (let interim = 0; interim <= maxInterim; interim++) {
    const read = await upstream.reader.readHead(parseResponseHead, plane.limits.head);
    if (read.kind === 'ended') return read.isPartial ? cutHead(upstream) : { kind: 'no-answer' };
    if (read.kind === 'fault')
      return refusal('UPSTREAM_INVALID', `The upstream's answer is malformed: ${read.detail}.`);
    const { head } = read;
    if (head.status >= 200) return relayFinal(plane, side, outgoing, upstream, sending, head);
    if (head.status === 101) return refusal('UPSTREAM_INVALID', 'The upstream switched protocols unasked.');
    if (outgoing.minor === 1) await writeToAgent(plane, side, [headBytes(head, { kind: 'none' }, [])]);
  }
  return refusal('UPSTREAM_INVALID', 'The upstream sent too many interim answers.');
}

function cutHead(upstream: Upstream): Refusal {
  return upstream.hasTimedOut
    ? refusal('UPSTREAM_TIMEOUT', 'The upstream did not finish its answer in time.')
    : refusal('UPSTREAM_INVALID', 'The upstream closed the connection within the head of its answer.');
}

async function relayFinal(
  plane: DataPlane,
  side: AgentSide,
  outgoing: Outgoing,
  upstream: Upstream,
  sending: Sending,
  head: ResponseHead,
): Promise<Relayed> {
  const framing = responseFraming(head, outgoing.method);
  if (framing.kind === 'fault')
    return refusal('UPSTREAM_INVALID', `The upstream's answer is malformed: ${framing.detail}.`);
  const towardsAgent = reframe(framing, outgoing.minor);
  const isReusable = outgoing.isKeptAlive && towardsAgent.kind !== 'close' && sending.isDone;
  const start = headBytes(head, towardsAgent, isReusable ? [] : [['Connection', 'close']]);
  const streamed = await streamBody(plane, side, upstream, new BodyReader(framing), towardsAgent, start);
  if (streamed.kind === 'whole') {
    const { responseBytes } = streamed;
    return {
      kind: 'answered',
      status: head.status,
      responseBytes,
      isReusable,
      isUpstreamReusable: isUpstreamReusable(head, framing),
    };
  }
  side.socket.destroy();
  return { kind: 'broken', code: streamed.code, status: head.status, responseBytes: streamed.responseBytes };
}

/** Bodies that end by closing are sent in chunks, so that a cut one shows; HTTP/1.0 agents cannot be told otherwise. */
function reframe(framing: Framing, minor: 0 | 1): Framing {
  if (framing.kind !== 'chunked' && framing.kind !== 'close') return framing;
  return { kind: minor === 1 ? 'chunked' : 'close' };
}

function headBytes(head: ResponseHead, framing: Framing, extra: readonly (readonly [string, string])[]): Buffer {
  return Buffer.from(
    writeResponseHead(head.status, head.reason, [...withoutHopByHop(head.headers), ...extra], framing),
    'latin1',
  );
}

function isUpstreamReusable(head: ResponseHead, framing: Framing): boolean {
  return framing.kind !== 'close' && head.minor === 1 && !isCloseAsked(head.headers);
}

type Streamed =
  | { readonly kind: 'whole'; readonly responseBytes: number }
  | {
      readonly kind: 'cut';
      readonly code: 'UPSTREAM_INVALID' | 'UPSTREAM_TIMEOUT' | 'AGENT_GONE';
      readonly responseBytes: number;
    };

/** What is there goes out in one write with the head; nothing that was read waits for what was not. */
async function streamBody(
  plane: DataPlane,
  side: AgentSide,
  upstream: Upstream,
  body: BodyReader,
  framing: Framing,
  start: Buffer,
): Promise<Streamed> {
  let pieces: Buffer[] = [start];
  let pendingBytes = start.length;
  let responseBytes = 0;
  while (!body.isDone) {
    const next = upstream.reader.read();
    if (next instanceof Promise || pendingBytes >= flushBytes) {
      if (!(await writeToAgent(plane, side, pieces))) return { kind: 'cut', code: 'AGENT_GONE', responseBytes };
      pieces = [];
      pendingBytes = 0;
    }
    const bytes = next instanceof Promise ? await next : next;
    upstream.deadline.extend(plane.limits.bodyIdleMs);
    if (typeof bytes === 'string') {
      if (bytes === 'end' && body.end().kind === 'complete') break;
      return { kind: 'cut', code: cutCode(side, upstream), responseBytes };
    }
    const read = body.read(bytes);
    if (read.kind === 'fault') return { kind: 'cut', code: 'UPSTREAM_INVALID', responseBytes };
    if (read.consumedBytes < bytes.length) upstream.reader.unshift(bytes.subarray(read.consumedBytes));
    for (const chunk of read.chunks) responseBytes += chunk.length;
    for (const piece of frameChunks(read.chunks, false, framing)) {
      pieces.push(piece);
      pendingBytes += piece.length;
    }
  }
  pieces.push(...frameChunks([], true, framing));
  const isDelivered = await writeToAgent(plane, side, pieces);
  return isDelivered ? { kind: 'whole', responseBytes } : { kind: 'cut', code: 'AGENT_GONE', responseBytes };
}

function cutCode(side: AgentSide, upstream: Upstream): 'UPSTREAM_INVALID' | 'UPSTREAM_TIMEOUT' | 'AGENT_GONE' {
  if (side.reader.ending) return 'AGENT_GONE';
  return upstream.hasTimedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_INVALID';
}

/** An agent that does not read for too long loses its connection: its upstream must not wait for ever. */
async function writeToAgent(plane: DataPlane, side: AgentSide, pieces: readonly Buffer[]): Promise<boolean> {
  const written = writeBytes(side.socket, pieces);
  if (typeof written === 'boolean') return written;
  side.deadline.extend(plane.limits.bodyIdleMs);
  const isOpen = await written;
  side.deadline.pause();
  return isOpen;
}
