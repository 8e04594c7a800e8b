/** The body of one request on its way from the agent to the upstream: framed, watched for placeholders, counted. */
import { BodyWatch } from '../credentials/watch-body.ts';
import { BodyReader, type Framing } from '../wire/frame-body.ts';
import type { AgentSide } from './agent-side.ts';
import { type Refusal, refusal } from './answer.ts';
import { joinPayload } from './frame-chunks.ts';

export type BodyPiece =
  | { readonly kind: 'payload'; readonly chunks: readonly Buffer[]; readonly isLast: boolean }
  | Refusal
  /** The agent went away before the end. */
  | { readonly kind: 'lost' };

const none: BodyPiece = { kind: 'payload', chunks: [], isLast: true };

export class RequestBody {
  readonly framing: Framing;
  readonly #side: AgentSide;
  readonly #reader: BodyReader;
  readonly #watch: BodyWatch | undefined;
  #held: BodyPiece | undefined;
  #isDone: boolean;
  /** Payload bytes taken so far. */
  bytes = 0;
  /** A placeholder was quoted in running text: forwarded as it is, and a finding. */
  hasMention = false;

  constructor(side: AgentSide, framing: Framing) {
    this.framing = framing;
    this.#side = side;
    this.#reader = new BodyReader(framing);
    this.#isDone = this.#reader.isDone;
    this.#watch = this.#isDone ? undefined : new BodyWatch();
  }

  get isEmpty(): boolean {
    return this.framing.kind === 'none' || (this.framing.kind === 'length' && this.framing.lengthBytes === 0);
  }

  /** True when all of it was read off the connection: the next bytes are another request. */
  get isRead(): boolean {
    return this.#isDone;
  }

  /** True when `hold` would take the whole body: it is of known length and at most `maxBytes`. */
  isHoldable(maxBytes: number): boolean {
    return !this.#isDone && this.framing.kind === 'length' && this.framing.lengthBytes <= maxBytes;
  }

  /**
   * Takes a whole body of known length now, so that it can be refused before anything of it was sent; the agent has
   * `idleMs` for each piece. `next` gives it afterwards.
   */
  async hold(idleMs: number): Promise<BodyPiece> {
    const chunks: Buffer[] = [];
    for (;;) {
      this.#side.deadline.extend(idleMs);
      const piece = await this.#take();
      this.#side.deadline.pause();
      if (piece.kind !== 'payload') return piece;
      chunks.push(...piece.chunks);
      if (piece.isLast) break;
    }
    this.#held = { kind: 'payload', chunks, isLast: true };
    return this.#held;
  }

  /** The next payload, in order. A malformed body or a placeholder that stands in it as a value gives a refusal. */
  next(): BodyPiece | Promise<BodyPiece> {
    if (this.#held) {
      const held = this.#held;
      this.#held = undefined;
      return held;
    }
    return this.#isDone ? none : this.#take();
  }

  async #take(): Promise<BodyPiece> {
    const bytes = await this.#side.reader.read();
    if (typeof bytes === 'string') return { kind: 'lost' };
    const read = this.#reader.read(bytes);
    if (read.kind === 'fault') return refusal('BAD_REQUEST', read.detail);
    if (read.consumedBytes < bytes.length) this.#side.reader.unshift(bytes.subarray(read.consumedBytes));
    this.#isDone = read.done;
    const chunks = joinPayload(read.chunks);
    for (const chunk of chunks) this.bytes += chunk.length;
    return this.#watchPayload(chunks, read.done) ?? { kind: 'payload', chunks, isLast: read.done };
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
