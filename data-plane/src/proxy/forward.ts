/**
 * One request to its upstream and the answer back, both streaming. Retried once, and only on a pooled connection that
 * turned out to be closed: nothing of a body sent, no byte of an answer, and a method that may be repeated (RFC 9110 9.2.2).
 */
import type { Header } from '../wire/head.ts';
import { frameChunks } from './frame-chunks.ts';
import { writeRequestHead } from '../wire/write-head.ts';
import type { AgentSide } from './agent-side.ts';
import { type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import type { Destination } from './dial.ts';
import { relayAnswer } from './relay-answer.ts';
import type { RequestBody } from './request-body.ts';
import type { Upstream } from './upstream-pool.ts';
import { writeBytes } from './write-bytes.ts';

export interface Outgoing {
  readonly agentId: string;
  readonly destination: Destination;
  readonly method: string;
  readonly minor: 0 | 1;
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: RequestBody;
  readonly isKeptAlive: boolean;
}

/** How an exchange went. `responseBytes` counts payload. */
export type Forwarded =
  | { readonly kind: 'answered'; readonly status: number; readonly responseBytes: number; readonly isReusable: boolean }
  /** Nothing was sent to the agent. */
  | Refusal
  /** The agent's connection was ended in the middle: a cut answer must not look whole. */
  | {
      readonly kind: 'broken';
      readonly code: 'UPSTREAM_INVALID' | 'UPSTREAM_TIMEOUT' | 'AGENT_GONE';
      readonly status: number;
      readonly responseBytes: number;
    };

/** What became of sending the request; read it only after the answer or its absence is known. */
export interface Sending {
  isDone: boolean;
  /** Why it stopped, when the agent or its body was the reason. */
  fault: Refusal | 'agent-gone' | undefined;
}

const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Sends a request, relays the answer. Never rejects for what a peer does. */
export async function forward(plane: DataPlane, side: AgentSide, outgoing: Outgoing): Promise<Forwarded> {
  const isRepeatable = outgoing.body.isEmpty && repeatable.has(outgoing.method);
  for (let isFresh = false; ; isFresh = true) {
    const acquired = plane.pool.acquire(outgoing.agentId, outgoing.destination, isFresh);
    const upstream = acquired instanceof Promise ? await acquired : acquired;
    if ('kind' in upstream) return upstream;
    const forwarded = await exchange(plane, side, outgoing, upstream);
    if (forwarded.kind !== 'stale') return forwarded;
    if (!isRepeatable || isFresh)
      return refusal('UPSTREAM_UNREACHABLE', 'The upstream closed the connection without an answer.');
  }
}

async function exchange(
  plane: DataPlane,
  side: AgentSide,
  outgoing: Outgoing,
  upstream: Upstream,
): Promise<Forwarded | { readonly kind: 'stale' }> {
  const wasReused = upstream.isReused;
  side.reader.onEnding = () => upstream.socket.destroy();
  if (side.reader.ending) upstream.socket.destroy();
  const sending: Sending = { isDone: false, fault: undefined };
  upstream.deadline.extend(plane.limits.bodyIdleMs);
  sendRequest(plane, outgoing, upstream, sending);
  try {
    const relayed = await relayAnswer(plane, side, outgoing, upstream, sending);
    if (relayed.kind === 'answered' && relayed.isUpstreamReusable && sending.isDone) plane.pool.release(upstream);
    else plane.pool.discard(upstream);
    if (relayed.kind !== 'no-answer') return relayed;
    return explainSilence(side, upstream, sending, wasReused);
  } finally {
    side.reader.onEnding = undefined;
  }
}

/** Why there was no answer at all: by the agent, its body, the clock, or the upstream. */
function explainSilence(
  side: AgentSide,
  upstream: Upstream,
  sending: Sending,
  wasReused: boolean,
): Forwarded | { readonly kind: 'stale' } {
  if (sending.fault !== undefined && sending.fault !== 'agent-gone') return sending.fault;
  if (sending.fault === 'agent-gone' || side.reader.ending)
    return { kind: 'broken', code: 'AGENT_GONE', status: 0, responseBytes: 0 };
  if (upstream.hasTimedOut) {
    return sending.isDone
      ? refusal('UPSTREAM_TIMEOUT', 'The upstream did not answer in time.')
      : refusal('REQUEST_TIMEOUT', 'The request body did not arrive in time.');
  }
  return wasReused
    ? { kind: 'stale' }
    : refusal('UPSTREAM_UNREACHABLE', 'The upstream closed the connection without an answer.');
}

/** Writes the head at once with what is there of the body, then the rest as it comes. */
function sendRequest(plane: DataPlane, outgoing: Outgoing, upstream: Upstream, sending: Sending): void {
  const { body } = outgoing;
  const head = Buffer.from(
    writeRequestHead(outgoing.method, outgoing.target, outgoing.headers, body.framing),
    'latin1',
  );
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
  head: Buffer,
  upstream: Upstream,
  sending: Sending,
): Promise<void> {
  let pieces = [head];
  for (;;) {
    const next = body.next();
    if (next instanceof Promise && pieces.length > 0) {
      if (!(await writeBytes(upstream.socket, pieces))) return;
      pieces = [];
    }
    const piece = await next;
    if (piece.kind !== 'payload') {
      sending.fault = piece.kind === 'lost' ? 'agent-gone' : piece;
      upstream.socket.destroy();
      return;
    }
    pieces.push(...frameChunks(piece.chunks, piece.isLast, body.framing));
    if (!(await writeBytes(upstream.socket, pieces))) return;
    pieces = [];
    upstream.deadline.extend(plane.limits.bodyIdleMs);
    if (piece.isLast) return finishSending(plane, upstream, sending);
  }
}

function finishSending(plane: DataPlane, upstream: Upstream, sending: Sending): void {
  sending.isDone = true;
  upstream.deadline.extend(plane.limits.firstByteMs);
}
