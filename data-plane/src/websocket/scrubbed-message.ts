import type { AnswerScrub, PayloadScrub } from '../scrub/answer-scrub.ts';
import { closeCodes, type FrameFault, frameFault } from './codec/frame.ts';
import type { MessageFault, MessageFilter } from './message-filter.ts';
import { CheckedText } from './watched-text.ts';

const nothing: Buffer = Buffer.alloc(0);
/** An upstream said a secret of a binding that refuses echoes. */
export const echoedFault: MessageFault = {
  ...frameFault(closeCodes.policyViolation, 'a message holds a secret'),
  reason: 'SECRET_ECHOED',
};

/** Takes what a message of an upstream echoes of the secrets that left on its WebSocket out of it (rule 10). */
export class ScrubbedMessage implements MessageFilter {
  readonly #scrubNow: () => AnswerScrub | undefined;
  readonly #utf8: CheckedText | undefined;
  #scrub: AnswerScrub | undefined;
  #payload: PayloadScrub | undefined;

  /** @param scrubNow what is looked for now: another secret may leave while the message comes */
  constructor(message: 'text' | 'binary', scrubNow: () => AnswerScrub | undefined) {
    this.#scrubNow = scrubNow;
    this.#utf8 = message === 'text' ? new CheckedText() : undefined;
  }

  push(bytes: Buffer): Buffer | FrameFault | MessageFault {
    const checked = this.#utf8?.push(bytes) ?? bytes;
    return 'kind' in checked ? checked : this.#take(bytes, false);
  }

  end(): Buffer | FrameFault | MessageFault {
    const checked = this.#utf8?.end() ?? nothing;
    return 'kind' in checked ? checked : this.#take(nothing, true);
  }

  #take(bytes: Buffer, isLast: boolean): Buffer | MessageFault {
    this.#renew();
    const chunks = bytes.length === 0 ? [] : [bytes];
    const scrubbed = this.#payload ? this.#payload.push(chunks, isLast) : chunks;
    if (scrubbed === 'refused') return echoedFault;
    const [first = nothing] = scrubbed;
    return scrubbed.length <= 1 ? first : Buffer.concat(scrubbed);
  }

  /** Looks for what is to be looked for by now, in what waits too; what was found in that until now stays found. */
  #renew(): void {
    const scrub = this.#scrubNow();
    if (scrub === undefined || scrub === this.#scrub) return;
    this.#scrub = scrub;
    if (this.#payload) this.#payload.follow(scrub);
    else this.#payload = scrub.payload('message');
  }
}
