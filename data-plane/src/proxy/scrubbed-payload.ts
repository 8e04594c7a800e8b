import type { PayloadScrub, Refused } from '../scrub/answer-scrub.ts';
import type { Framing } from '../wire/frame-body.ts';

/** A payload of known length up to this is sent whole, so that the agent is told its length as it is in the end. */
const maxHeldBytes = 16 * 1024;

/**
 * The payload of one answer with its secrets taken out. That changes its length: a small one is held until it is whole and
 * begins with its true length; another begins at once, with no length (RFC 9112 7.1).
 */
export class ScrubbedPayload {
  readonly #scrub: PayloadScrub;
  readonly #begin: (framing: Framing) => void;
  #held: Buffer[] | undefined;

  /** @param framing of the payload as it comes; `begin` is called once with its framing as it goes on */
  constructor(scrub: PayloadScrub, framing: Framing, begin: (framing: Framing) => void) {
    this.#scrub = scrub;
    this.#begin = begin;
    const hasLength = framing.kind === 'length' && framing.lengthBytes > 0;
    if (hasLength && framing.lengthBytes <= maxHeldBytes) this.#held = [];
    else begin(hasLength ? { kind: 'chunked' } : framing);
  }

  /** False as long as nothing of the answer was told to the agent. */
  get hasBegun(): boolean {
    return this.#held === undefined;
  }

  /** What may go on now of the next payload; `isLast` when none follows. After `refused` nothing may. */
  push(chunks: readonly Buffer[], isLast: boolean): readonly Buffer[] | Refused {
    const scrubbed = this.#scrub.push(chunks, isLast);
    const held = this.#held;
    if (held === undefined || scrubbed === 'refused') return scrubbed;
    held.push(...scrubbed);
    if (!isLast) return [];
    this.#held = undefined;
    let lengthBytes = 0;
    for (const chunk of held) lengthBytes += chunk.length;
    this.#begin({ kind: 'length', lengthBytes });
    return held;
  }
}
