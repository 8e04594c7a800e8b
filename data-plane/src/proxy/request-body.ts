/** The body of one request on its way from the agent to the upstream: watched for placeholders, counted. */
import { BodyWatch } from '../credentials/watch-body.ts';
import { HeldBuffer } from '../load/held-buffer.ts';
import type { HeldBytes } from '../load/held-bytes.ts';
import type { Framing } from '../wire/frame-body.ts';
import type { Header } from '../wire/head.ts';
import type { AgentStream, BodyPiece, BodySource } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';

const noRoom = refusal('OVERLOADED', 'This worker holds as many request bodies as it may.', { retryAfterSeconds: 5 });
const none: BodyPiece = { kind: 'payload', chunks: [], isLast: true };

function heldPiece(body: Buffer): BodyPiece {
  return { kind: 'payload', chunks: body.length > 0 ? [body] : [], isLast: true };
}

export class RequestBody {
  #framing: Framing;
  /** Undefined when there is none. */
  readonly #source: BodySource | undefined;
  readonly #watch: BodyWatch | undefined;
  readonly #agent: AgentStream;
  readonly #maxBytes: number;
  #held: BodyPiece | undefined;
  /** What is held of it as it came. */
  #holding: HeldBuffer | undefined;
  /** Payload bytes taken so far. */
  bytes = 0;
  /** A placeholder was quoted in running text: forwarded as it is, and a finding. */
  hasMention = false;

  /** @param maxBytes a longer payload is refused, as soon as that is known */
  constructor(agent: AgentStream, framing: Framing, maxBytes = Number.POSITIVE_INFINITY) {
    this.#framing = framing;
    this.#agent = agent;
    this.#maxBytes = maxBytes;
    if (this.isEmpty) return;
    this.#source = agent.body(framing);
    this.#watch = new BodyWatch();
  }

  /** How it leaves: as it came, or with the length of what stands in its place. */
  get framing(): Framing {
    return this.#framing;
  }

  get isEmpty(): boolean {
    return this.framing.kind === 'none' || (this.framing.kind === 'length' && this.framing.lengthBytes === 0);
  }

  /** True when its declared length is more than may be. */
  get isTooLong(): boolean {
    return this.framing.kind === 'length' && this.framing.lengthBytes > this.#maxBytes;
  }

  /** True when all of it was taken from the agent: the next bytes are another request. */
  get isRead(): boolean {
    return this.#source?.isDone ?? true;
  }

  /** Fields that came after the payload, once all of it was taken. */
  get trailers(): readonly Header[] {
    return this.#source?.trailers ?? [];
  }

  /** True when `hold` would take the whole body: it is of known length and at most `maxBytes`. */
  isHoldable(maxBytes: number): boolean {
    return !this.isRead && this.framing.kind === 'length' && this.framing.lengthBytes <= maxBytes;
  }

  /**
   * Takes a whole body of known length now, so that it can be refused before anything of it was sent; the agent has
   * `idleMs` for each piece. `next` gives it afterwards. It counts in `heldIn` until `letGo`.
   */
  async hold(idleMs: number, heldIn: HeldBytes): Promise<BodyPiece> {
    const holding = (this.#holding = new HeldBuffer(heldIn));
    while (this.#source && !this.#source.isDone) {
      this.#agent.deadline.extend(idleMs);
      const piece = await this.#take(this.#source);
      this.#agent.deadline.pause();
      if (piece.kind !== 'payload') return piece;
      if (!piece.chunks.every((chunk) => holding.push(chunk))) return noRoom;
    }
    this.#held = heldPiece(holding.whole);
    return this.#held;
  }

  /**
   * Takes a whole body now, however it is framed, for somebody else to look at; `replaceHeld` has to follow. Gives
   * `too-long` as soon as it is longer than `maxBytes`. It counts in `heldIn` until `letGo`.
   */
  async holdUnwatched(idleMs: number, maxBytes: number, heldIn: HeldBytes): Promise<BodyPiece | 'too-long'> {
    const holding = (this.#holding = new HeldBuffer(heldIn));
    while (this.#source && !this.#source.isDone) {
      this.#agent.deadline.extend(idleMs);
      const piece = await this.#source.take();
      this.#agent.deadline.pause();
      if (piece.kind !== 'payload') return piece;
      for (const chunk of piece.chunks) this.bytes += chunk.length;
      if (this.bytes > Math.min(maxBytes, this.#maxBytes)) return 'too-long';
      if (!piece.chunks.every((chunk) => holding.push(chunk))) return noRoom;
    }
    return heldPiece(holding.whole);
  }

  /** Nothing of it is held any more: it was sent, or its request is over. */
  letGo(): void {
    this.#holding?.letGo();
  }

  /** What leaves in place of the body that was held, and with its length. */
  replaceHeld(body: Buffer): void {
    this.#held = heldPiece(body);
    this.#framing = { kind: 'length', lengthBytes: body.length };
  }

  /** The next payload, in order. A malformed body or a placeholder that stands in it as a value gives a refusal. */
  next(): BodyPiece | Promise<BodyPiece> {
    if (this.#held) {
      const held = this.#held;
      this.#held = undefined;
      return held;
    }
    return !this.#source || this.#source.isDone ? none : this.#take(this.#source);
  }

  async #take(source: BodySource): Promise<BodyPiece> {
    const piece = await source.take();
    if (piece.kind !== 'payload') return piece;
    for (const chunk of piece.chunks) this.bytes += chunk.length;
    if (this.bytes > this.#maxBytes) return refusal('BODY_TOO_LARGE', 'The request body is too long.');
    return this.#watchPayload(piece.chunks, piece.isLast) ?? piece;
  }

  #watchPayload(chunks: readonly Buffer[], isLast: boolean): Refusal | undefined {
    if (!this.#watch) return undefined;
    const verdicts = chunks.map((chunk) => this.#watch?.push(chunk));
    if (isLast) verdicts.push(this.#watch.end());
    if (verdicts.includes('mention')) this.hasMention = true;
    if (!verdicts.includes('value')) return undefined;
    return refusal(
      'PLACEHOLDER_NOT_BOUND',
      'A placeholder stands as a value in the request body, where no secret is bound.',
    );
  }
}
