/** The upstream's answer on its way to the agent: parsed strictly, framed by us, streamed as it comes (rules 3, 7, 9). */
import { BodyReader, responseFraming } from '../wire/frame-body.ts';
import type { ResponseHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import { parseResponseHead } from '../wire/parse-head.ts';
import type { AgentStream } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { joinPayload } from './frame-chunks.ts';
import type { Broken, Forwarded, Outgoing, Sending } from './outgoing.ts';
import type { ReadResult } from './socket-reader.ts';
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
  agent: AgentStream,
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
    const { status, reason, headers } = read.head;
    if (status === 101) return refusal('UPSTREAM_INVALID', 'The upstream switched protocols unasked.');
    if (status < 200) {
      await agent.interim({ status, reason, headers: withoutHopByHop(headers) });
      continue;
    }
    const relay = beginAnswer(plane, agent, outgoing, upstream, sending, read.head);
    if (relay instanceof BodyRelay) return relay.moveReady() ?? relay.move();
    return relay;
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

function beginAnswer(
  plane: DataPlane,
  agent: AgentStream,
  outgoing: Outgoing,
  upstream: Upstream,
  sending: Sending,
  head: ResponseHead,
): BodyRelay | Refusal {
  const framing = responseFraming(head, outgoing.method);
  if (framing.kind === 'fault') return malformed(framing.detail);
  const { status, reason, headers } = head;
  agent.begin({ status, reason, headers: withoutHopByHop(headers) }, framing, !outgoing.isKeptAlive || !sending.isDone);
  const isUpstreamReusable = framing.kind !== 'close' && head.minor === 1 && !isCloseAsked(headers);
  return new BodyRelay(plane, agent, upstream, sending, new BodyReader(framing), { status, isUpstreamReusable });
}

/** One answer's payload on its way. What is there goes out in one write with the head; nothing read waits for what was not. */
class BodyRelay {
  readonly #plane: DataPlane;
  readonly #agent: AgentStream;
  readonly #upstream: Upstream;
  readonly #sending: Sending;
  readonly #body: BodyReader;
  readonly #answer: { readonly status: number; readonly isUpstreamReusable: boolean };
  #responseBytes = 0;
  #ending: Promise<boolean> | undefined;

  constructor(
    plane: DataPlane,
    agent: AgentStream,
    upstream: Upstream,
    sending: Sending,
    body: BodyReader,
    answer: { readonly status: number; readonly isUpstreamReusable: boolean },
  ) {
    this.#plane = plane;
    this.#agent = agent;
    this.#upstream = upstream;
    this.#sending = sending;
    this.#body = body;
    this.#answer = answer;
  }

  /** Relays what has been received already; undefined when there is more to wait for. */
  moveReady(): Relayed | undefined {
    while (!this.#body.isDone) {
      if (this.#agent.pendingBytes >= flushBytes) return undefined;
      const bytes = this.#upstream.reader.readNow();
      if (bytes === undefined) return undefined;
      const end = this.#take(bytes);
      if (end === 'complete') break;
      if (end !== undefined) return end;
    }
    const delivered = this.#agent.end();
    if (typeof delivered === 'boolean') return this.#finish(delivered);
    this.#ending = delivered;
    return undefined;
  }

  /** Relays the rest, at the pace of the slower side. */
  async move(): Promise<Relayed> {
    const { bodyIdleMs } = this.#plane.limits;
    while (!this.#body.isDone) {
      if (!(await this.#agent.flush())) return this.#cut('agent');
      this.#upstream.deadline.extend(bodyIdleMs);
      const end = this.#take(await this.#upstream.reader.read());
      this.#upstream.deadline.extend(bodyIdleMs);
      if (end === 'complete') break;
      if (end !== undefined) return end;
      const done = this.moveReady();
      if (done) return done;
    }
    return this.#finish(await (this.#ending ?? this.#agent.end()));
  }

  #take(bytes: ReadResult): Relayed | 'complete' | undefined {
    if (typeof bytes === 'string') {
      return bytes === 'end' && this.#body.end().kind === 'complete' ? 'complete' : this.#cut('upstream');
    }
    const read = this.#body.read(bytes);
    if (read.kind === 'fault') return this.#cut('fault');
    if (read.consumedBytes < bytes.length) this.#upstream.reader.unshift(bytes.subarray(read.consumedBytes));
    const chunks = joinPayload(read.chunks);
    for (const chunk of chunks) this.#responseBytes += chunk.length;
    this.#agent.push(chunks);
    return undefined;
  }

  #finish(isDelivered: boolean): Relayed {
    if (!isDelivered) return this.#cut('agent');
    const { status, isUpstreamReusable } = this.#answer;
    return { kind: 'answered', status, responseBytes: this.#responseBytes, isUpstreamReusable };
  }

  #cut(by: 'upstream' | 'agent' | 'fault'): Broken {
    const code = cutCode(this.#agent, this.#upstream, this.#sending, by);
    return { kind: 'broken', code, status: this.#answer.status, responseBytes: this.#responseBytes };
  }
}

function cutCode(
  agent: AgentStream,
  upstream: Upstream,
  sending: Sending,
  by: 'upstream' | 'agent' | 'fault',
): Broken['code'] {
  const { fault } = sending;
  if (typeof fault === 'object')
    return fault.code === 'PLACEHOLDER_NOT_BOUND' ? 'PLACEHOLDER_NOT_BOUND' : 'BAD_REQUEST';
  if (by === 'agent' || agent.isGone) return 'AGENT_GONE';
  return by === 'upstream' && upstream.hasTimedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_INVALID';
}
