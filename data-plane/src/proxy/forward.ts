/**
 * One request to its upstream and the answer back, both streaming. Retried once, and only on a pooled connection that
 * turned out to be closed: nothing of a body sent, no byte of an answer, and a method that may be repeated (RFC 9110 9.2.2) or
 * nothing sent at all.
 */
import { exchangeStream } from '../http2/exchange-stream.ts';
import { UpstreamSession } from '../http2/upstream-session.ts';
import { turnBytes } from '../load/fair-turns.ts';
import { writeRequestHead } from '../wire/write-head.ts';
import type { AgentStream } from './agent-stream.ts';
import { refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { frameChunks } from './frame-chunks.ts';
import { explainSilence } from './explain-silence.ts';
import type { Forwarded, Outgoing, Sending, Stale } from './outgoing.ts';
import { relayAnswer } from './relay-answer.ts';
import type { RequestBody } from './request-body.ts';
import type { Upstream } from './upstream-pool.ts';
import { agentGone, unlessGone, withhold } from './withhold.ts';
import { type Piece, writeBytes } from './write-bytes.ts';

const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Sends a request, relays the answer. Never rejects for what a peer does. */
export async function forward(plane: DataPlane, agent: AgentStream, outgoing: Outgoing): Promise<Forwarded> {
  const isRepeatable = outgoing.body.isEmpty && repeatable.has(outgoing.method);
  for (let isFresh = false; ; isFresh = true) {
    if (agent.isGone) return agentGone;
    const pool = agent.isHttp2 ? plane.sessions : plane.pool;
    const acquired = pool.acquire(outgoing.poolKey, outgoing.destination, isFresh);
    const upstream = acquired instanceof Promise ? await acquired : acquired;
    if ('kind' in upstream) return upstream;
    const forwarded = await (upstream instanceof UpstreamSession
      ? exchangeStream(plane, agent, outgoing, upstream)
      : exchange(plane, agent, outgoing, upstream));
    if (forwarded.kind !== 'stale') return forwarded;
    if (isFresh || !(isRepeatable || forwarded.isUnsent)) {
      return refusal('UPSTREAM_UNREACHABLE', 'The upstream closed the connection without an answer.');
    }
  }
}

async function exchange(
  plane: DataPlane,
  agent: AgentStream,
  outgoing: Outgoing,
  upstream: Upstream,
): Promise<Forwarded | Stale> {
  const wasReused = upstream.isReused;
  const sending: Sending = { isDone: false, waitsFor: 'upstream', fault: undefined };
  let isReleased = false;
  try {
    const recording = outgoing.departure.intend();
    const isRecorded = recording && (await unlessGone(agent, recording));
    const withheld = withhold(agent, outgoing, isRecorded);
    if (withheld) return withheld;
    agent.onGone = () => upstream.socket.destroy();
    upstream.deadline.cap(plane.limits.requestMs);
    upstream.deadline.extend(plane.limits.bodyIdleMs);
    sendRequest(plane, outgoing, upstream, sending);
    const relayed = await relayAnswer(plane, agent, outgoing, upstream, sending);
    isReleased = relayed.kind === 'answered' && relayed.isUpstreamReusable && sending.isDone;
    return relayed.kind === 'no-answer' ? explainSilence(agent, upstream, sending, wasReused) : relayed;
  } finally {
    agent.onGone = undefined;
    if (isReleased) plane.pool.release(upstream);
    else plane.pool.discard(upstream);
  }
}

/** Writes the head at once with what is there of the body, then the rest as it comes. */
function sendRequest(plane: DataPlane, outgoing: Outgoing, upstream: Upstream, sending: Sending): void {
  const { body } = outgoing;
  const { method, target, headers } = outgoing;
  const head = outgoing.bytes ?? writeRequestHead(method, target, headers, body.framing);
  outgoing.departure.leaving();
  if (body.isEmpty) {
    void writeBytes(upstream.socket, [head]);
    return finishSending(plane, upstream, sending);
  }
  sendBody(plane, body, head, upstream, sending).catch((error: unknown) => {
    plane.log.error({ err: error }, 'sending a request body failed');
    upstream.socket.destroy();
  });
}

async function sendBody(
  plane: DataPlane,
  body: RequestBody,
  head: Piece,
  upstream: Upstream,
  sending: Sending,
): Promise<void> {
  let pieces = [head];
  let turnedAtBytes = 0;
  for (;;) {
    const next = body.next();
    if (next instanceof Promise && pieces.length > 0) {
      if (!(await writeBytes(upstream.socket, pieces))) return;
      pieces = [];
    }
    sending.waitsFor = 'agent';
    const piece = await next;
    sending.waitsFor = 'upstream';
    if (piece.kind !== 'payload') {
      sending.fault = piece.kind === 'lost' ? 'agent-gone' : piece;
      upstream.socket.destroy();
      return;
    }
    pieces.push(...frameChunks(piece.chunks, piece.isLast, body.framing));
    if (!(await writeBytes(upstream.socket, pieces))) return;
    pieces = [];
    upstream.deadline.extend(plane.limits.bodyIdleMs);
    if (piece.isLast) {
      body.letGo();
      return finishSending(plane, upstream, sending);
    }
    if (body.bytes - turnedAtBytes < turnBytes) continue;
    await plane.turns.next(body.bytes - turnedAtBytes);
    turnedAtBytes = body.bytes;
  }
}

function finishSending(plane: DataPlane, upstream: Upstream, sending: Sending): void {
  sending.isDone = true;
  upstream.deadline.extend(plane.limits.firstByteMs);
}
