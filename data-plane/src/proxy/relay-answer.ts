/** The upstream's answer on its way to the agent: parsed strictly, framed by us, streamed as it comes (rules 3, 7, 9). */
import { BodyReader, type Framing, responseFraming } from '../wire/frame-body.ts';
import type { ResponseHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import { parseResponseHead } from '../wire/parse-head.ts';
import { writeResponseHead } from '../wire/write-head.ts';
import { type AgentSide, writeToAgent } from './agent-side.ts';
import { type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { frameChunks, joinPayload } from './frame-chunks.ts';
import type { Broken, Forwarded, Outgoing, Sending } from './outgoing.ts';
import type { Upstream } from './upstream-pool.ts';

export type Relayed =
  | (Extract<Forwarded, { kind: 'answered' }> & { readonly isUpstreamReusable: boolean })
  | Refusal
  | Broken
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
    if (read.kind === 'ended') {
      return read.isPartial || interim > 0 ? cutHead(upstream, sending) : { kind: 'no-answer' };
    }
    if (read.kind === 'fault') return malformed(read.detail);
    const { head } = read;
    if (head.status >= 200) return await relayFinal(plane, side, outgoing, upstream, sending, head);
    if (head.status === 101) return refusal('UPSTREAM_INVALID', 'The upstream switched protocols unasked.');
    if (outgoing.minor === 1) await writeToAgent(plane, side, [headBytes(head, { kind: 'none' }, [])]);
  }
  return refusal('UPSTREAM_INVALID', 'The upstream sent too many interim answers.');
}

function malformed(detail: string): Refusal {
  return refusal('UPSTREAM_INVALID', `The upstream's answer is malformed: ${detail}.`);
}

function cutHead(upstream: Upstream, sending: Sending): Refusal {
  if (sending.fault !== undefined && sending.fault !== 'agent-gone') return sending.fault;
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
  if (framing.kind === 'fault') return malformed(framing.detail);
  const towardsAgent = reframe(framing, outgoing.minor);
  const isReusable = outgoing.isKeptAlive && towardsAgent.kind !== 'close' && sending.isDone;
  const start = headBytes(head, towardsAgent, isReusable ? [] : [['Connection', 'close']]);
  const streamed = await streamBody(plane, side, upstream, new BodyReader(framing), towardsAgent, start);
  const { responseBytes } = streamed;
  if (streamed.kind === 'cut') {
    const code = cutCode(side, upstream, sending, streamed.by);
    return { kind: 'broken', code, status: head.status, responseBytes };
  }
  const isUpstreamReusable = framing.kind !== 'close' && head.minor === 1 && !isCloseAsked(head.headers);
  return { kind: 'answered', status: head.status, responseBytes, isReusable, isUpstreamReusable };
}

/**
 * HTTP/1.0 agents know no chunks. A body that its upstream ends by closing goes on as one: over TLS we are not told
 * whether the end was meant (RFC 9112 9.8), so the agent must not be told more than we know.
 */
function reframe(framing: Framing, minor: 0 | 1): Framing {
  return framing.kind === 'chunked' && minor === 0 ? { kind: 'close' } : framing;
}

function headBytes(head: ResponseHead, framing: Framing, extra: readonly (readonly [string, string])[]): Buffer {
  const kept = withoutHopByHop(head.headers);
  const headers = extra.length === 0 ? kept : [...kept, ...extra];
  return Buffer.from(writeResponseHead(head.status, head.reason, headers, framing), 'latin1');
}

type Streamed =
  | { readonly kind: 'whole'; readonly responseBytes: number }
  | { readonly kind: 'cut'; readonly by: 'upstream' | 'agent' | 'fault'; readonly responseBytes: number };

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
      const written = writeToAgent(plane, side, pieces);
      if (!(typeof written === 'boolean' ? written : await written)) return { kind: 'cut', by: 'agent', responseBytes };
      upstream.deadline.extend(plane.limits.bodyIdleMs);
      pieces = [];
      pendingBytes = 0;
    }
    const bytes = next instanceof Promise ? await next : next;
    upstream.deadline.extend(plane.limits.bodyIdleMs);
    if (typeof bytes === 'string') {
      if (bytes === 'end' && body.end().kind === 'complete') break;
      return { kind: 'cut', by: 'upstream', responseBytes };
    }
    const read = body.read(bytes);
    if (read.kind === 'fault') return { kind: 'cut', by: 'fault', responseBytes };
    if (read.consumedBytes < bytes.length) upstream.reader.unshift(bytes.subarray(read.consumedBytes));
    for (const chunk of joinPayload(read.chunks)) {
      responseBytes += chunk.length;
      pieces.push(...frameChunks([chunk], false, framing));
      pendingBytes += chunk.length;
    }
  }
  pieces.push(...frameChunks([], true, framing));
  const written = writeToAgent(plane, side, pieces);
  const isDelivered = typeof written === 'boolean' ? written : await written;
  return isDelivered ? { kind: 'whole', responseBytes } : { kind: 'cut', by: 'agent', responseBytes };
}

function cutCode(
  side: AgentSide,
  upstream: Upstream,
  sending: Sending,
  by: 'upstream' | 'agent' | 'fault',
): Broken['code'] {
  const { fault } = sending;
  if (typeof fault === 'object')
    return fault.code === 'PLACEHOLDER_NOT_BOUND' ? 'PLACEHOLDER_NOT_BOUND' : 'BAD_REQUEST';
  if (by === 'agent' || side.reader.ending) return 'AGENT_GONE';
  return by === 'upstream' && upstream.hasTimedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_INVALID';
}
