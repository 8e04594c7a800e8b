import type { AnswerScrub } from '../scrub/answer-scrub.ts';
import { type ContentDecoder, DecodeError } from '../scrub/content-decoder.ts';
import type { AgentStream } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';
import type { AnswerSource, Payload } from './answer-source.ts';
import type { DataPlane } from './data-plane.ts';
import { joinPayload } from './frame-chunks.ts';
import type { Broken, Departure, Forwarded, Sending } from './outgoing.ts';
import type { ScrubbedPayload } from './scrubbed-payload.ts';
import type { ReadResult } from './socket-reader.ts';

export type Relayed =
  | (Extract<Forwarded, { kind: 'answered' }> & { readonly isUpstreamReusable: boolean })
  | Refusal
  | Broken;

const flushBytes = 64 * 1024;

/** What is known of an answer when its payload begins. */
interface AnswerFacts {
  readonly status: number;
  readonly isUpstreamReusable: boolean;
  readonly scrub: AnswerScrub | undefined;
  readonly departure: Departure;
}

/** Why an answer stops in the middle. */
type Cut = 'upstream' | 'agent' | 'fault' | 'secret';

/** One answer's payload on its way. What is there goes out in one write with the head; nothing read waits for what was not. */
export class BodyRelay {
  readonly #plane: DataPlane;
  readonly #agent: AgentStream;
  readonly #upstream: AnswerSource;
  readonly #sending: Sending;
  readonly #body: Payload['body'];
  readonly #answer: AnswerFacts;
  readonly #scrubbed: ScrubbedPayload | undefined;
  readonly #decoder: ContentDecoder | undefined;
  #responseBytes = 0;
  /** Of them, those that the last turn began with. */
  #turnedAtBytes = 0;
  #ending: Promise<boolean> | undefined;
  #isEchoedInTrailers = false;

  /** @param decoder when the payload comes encoded and is to be searched: closed when the relay ends */
  constructor(
    plane: DataPlane,
    agent: AgentStream,
    upstream: AnswerSource,
    sending: Sending,
    body: Payload['body'],
    answer: AnswerFacts,
    scrubbed?: ScrubbedPayload,
    decoder?: ContentDecoder,
  ) {
    this.#plane = plane;
    this.#agent = agent;
    this.#upstream = upstream;
    this.#sending = sending;
    this.#body = body;
    this.#answer = answer;
    this.#scrubbed = scrubbed;
    this.#decoder = decoder;
  }

  /** Relays what has been received already; undefined when there is more to wait for. */
  moveReady(): Relayed | undefined {
    if (this.#decoder !== undefined) return undefined;
    while (!this.#body.isDone) {
      if (this.#agent.pendingBytes >= flushBytes) return undefined;
      const bytes = this.#upstream.reader.readNow();
      if (bytes === undefined) return undefined;
      const end = this.#take(bytes);
      if (end === 'complete') break;
      if (end !== undefined) return end;
    }
    const delivered = this.#end();
    if (typeof delivered === 'boolean') return this.#finish(delivered);
    this.#ending = delivered;
    return undefined;
  }

  /** Relays the rest, at the pace of the slower side. */
  async move(): Promise<Relayed> {
    if (this.#decoder !== undefined) return await this.#moveDecoded(this.#decoder);
    while (!this.#body.isDone) {
      await this.#nextTurn();
      const ready = this.moveReady();
      if (ready) return ready;
      if (this.#ending) break;
      const flushed = this.#agent.flush();
      if (!(flushed instanceof Promise ? await flushed : flushed)) return this.#cut('agent');
      const end = this.#take(await this.#read());
      if (end === 'complete') break;
      if (end !== undefined) return end;
    }
    return this.#finish(await (this.#ending ?? this.#end()));
  }

  /** TLS gives what has arrived record by record, and what leaves goes out as one; and neighbours have their turns. */
  #nextTurn(): Promise<void> {
    const movedBytes = this.#responseBytes - this.#turnedAtBytes;
    this.#turnedAtBytes = this.#responseBytes;
    return this.#plane.turns.next(movedBytes);
  }

  /** The same for a payload that is decoded on its way. */
  async #moveDecoded(decoder: ContentDecoder): Promise<Relayed> {
    try {
      while (!this.#body.isDone) {
        if (!(await this.#agent.flush())) return this.#cut('agent');
        const chunks = this.#payloadOf(await this.#read());
        if (chunks === 'complete') break;
        if (!Array.isArray(chunks)) return this.#cut(chunks);
        for (const chunk of chunks) {
          const end = await this.#deliverAll(decoder.decode(chunk));
          if (end !== undefined) return end;
        }
      }
      const end = (await this.#deliverAll(decoder.finish())) ?? this.#deliver([], true);
      return end ?? this.#finish(await this.#end());
    } catch (error) {
      if (error instanceof DecodeError) return this.#cut('fault');
      throw error;
    } finally {
      decoder.close();
    }
  }

  /** Takes no more of what is decoded than the agent takes. */
  async #deliverAll(pieces: AsyncGenerator<Buffer, void>): Promise<Relayed | undefined> {
    for await (const piece of pieces) {
      const end = this.#deliver([piece], false);
      if (end !== undefined) return end;
      if (this.#agent.pendingBytes < flushBytes) continue;
      if (!(await this.#agent.flush())) return this.#cut('agent');
      this.#upstream.deadline.extend(this.#plane.limits.bodyIdleMs);
    }
    return undefined;
  }

  async #read(): Promise<ReadResult> {
    const { deadline, reader } = this.#upstream;
    deadline.extend(this.#plane.limits.bodyIdleMs);
    const bytes = await reader.read();
    deadline.extend(this.#plane.limits.bodyIdleMs);
    return bytes;
  }

  #take(bytes: ReadResult): Relayed | 'complete' | undefined {
    const chunks = this.#payloadOf(bytes);
    if (chunks === 'complete') return this.#deliver([], true) ?? chunks;
    return Array.isArray(chunks) ? this.#deliver(chunks, this.#body.isDone) : this.#cut(chunks);
  }

  /** The payload in what was read; `complete` when the end of the connection is that of the payload. */
  #payloadOf(bytes: ReadResult): Buffer[] | 'complete' | Cut {
    if (typeof bytes === 'string') {
      return bytes === 'end' && this.#body.end().kind === 'complete' ? 'complete' : 'upstream';
    }
    const read = this.#body.read(bytes);
    if (read.kind === 'fault') return 'fault';
    if (read.consumedBytes < bytes.length) this.#upstream.reader.unshift(bytes.subarray(read.consumedBytes));
    return joinPayload(read.chunks);
  }

  #deliver(chunks: readonly Buffer[], isLast: boolean): Relayed | undefined {
    const sent = this.#scrubbed ? this.#scrubbed.push(chunks, isLast) : chunks;
    if (sent === 'refused') return this.#cut('secret');
    for (const chunk of sent) this.#responseBytes += chunk.length;
    this.#agent.push(sent);
    return undefined;
  }

  /** The end of the answer, with its trailers as they may go on; false when they may not. */
  #end(): boolean | Promise<boolean> {
    const { trailers } = this.#body;
    const { scrub, status, departure } = this.#answer;
    const sent = scrub && trailers.length > 0 ? scrub.fields(trailers, 'trailer') : trailers;
    if (sent === 'refused') {
      this.#isEchoedInTrailers = true;
      return false;
    }
    const isCut = this.#agent.isGone || this.#agent.withdrawn !== undefined;
    const recording = isCut ? undefined : departure.ending(status, this.#responseBytes);
    return recording ? recording.then(() => this.#agent.end(sent)) : this.#agent.end(sent);
  }

  #finish(isDelivered: boolean): Relayed {
    if (!isDelivered) return this.#cut(this.#isEchoedInTrailers ? 'secret' : 'agent');
    const { status, isUpstreamReusable } = this.#answer;
    return { kind: 'answered', status, responseBytes: this.#responseBytes, isUpstreamReusable };
  }

  /** A refusal as long as nothing was begun. */
  #cut(by: Cut): Broken | Refusal {
    const code = cutCode(this.#agent, this.#upstream, this.#sending, by);
    const hasBegun = this.#scrubbed?.hasBegun ?? true;
    if (hasBegun || code === 'AGENT_GONE') {
      return { kind: 'broken', code, status: hasBegun ? this.#answer.status : 0, responseBytes: this.#responseBytes };
    }
    if (typeof this.#sending.fault === 'object') return this.#sending.fault;
    return code === 'SECRET_ECHOED'
      ? refusal(code, 'The answer holds a secret of the request.')
      : refusal(code, 'The upstream did not send its answer whole.');
  }
}

function cutCode(agent: AgentStream, upstream: AnswerSource, { fault }: Sending, by: Cut): Broken['code'] {
  if (by === 'secret') return 'SECRET_ECHOED';
  if (typeof fault === 'object')
    return fault.code === 'PLACEHOLDER_NOT_BOUND' ? 'PLACEHOLDER_NOT_BOUND' : 'BAD_REQUEST';
  if (by === 'agent' || agent.isGone) return 'AGENT_GONE';
  return by === 'upstream' && upstream.hasTimedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_INVALID';
}
