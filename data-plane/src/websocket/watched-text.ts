import type { Finding } from '@onecli/shared/domain/audit-event';
import { BodyWatch, type BodyVerdict } from '../credentials/watch-body.ts';
import { closeCodes, type FrameFault, frameFault } from './codec/frame.ts';
import { Utf8Check } from './codec/utf8-check.ts';
import type { MessageFault, MessageFilter } from './message-filter.ts';

type PlaceholderFinding = 'PLACEHOLDER_NOT_GRANTED' | 'PLACEHOLDER_NOT_BOUND' | 'SECRET_EXPIRED';

const nothing: Buffer = Buffer.alloc(0);
const notUtf8 = frameFault(closeCodes.badPayload, 'a text message is not UTF-8');

/** Sees that a text is UTF-8 (RFC 6455 8.1), and gives it on. */
export class CheckedText implements MessageFilter {
  readonly #utf8 = new Utf8Check();

  push(bytes: Buffer): Buffer | FrameFault {
    return this.#utf8.push(bytes, false) ? bytes : notUtf8;
  }

  end(): Buffer | FrameFault {
    return this.#utf8.push(nothing, true) ? nothing : notUtf8;
  }
}

/**
 * Watches a text of an agent that is not replaced in, and gives it on: a placeholder that stands there as a value ends the
 * WebSocket, one in running text is a finding. See docs/decisions/placeholders-in-bodies.md.
 */
export class WatchedText implements MessageFilter {
  readonly #utf8 = new CheckedText();
  readonly #watch = new BodyWatch();
  readonly #onFinding: (finding: Finding) => void;
  readonly #reason: PlaceholderFinding;
  #hasMention = false;

  /** @param reason why a placeholder may not be replaced here */
  constructor(onFinding: (finding: Finding) => void, reason: PlaceholderFinding = 'PLACEHOLDER_NOT_BOUND') {
    this.#onFinding = onFinding;
    this.#reason = reason;
  }

  push(bytes: Buffer): Buffer | FrameFault | MessageFault {
    const checked = this.#utf8.push(bytes);
    return 'kind' in checked ? checked : (this.#judge(this.#watch.push(bytes)) ?? bytes);
  }

  end(): Buffer | FrameFault | MessageFault {
    const checked = this.#utf8.end();
    return 'kind' in checked ? checked : (this.#judge(this.#watch.end()) ?? nothing);
  }

  #judge(verdict: BodyVerdict): MessageFault | undefined {
    if (verdict === 'value') {
      this.#onFinding({ kind: this.#reason, place: 'message' });
      return { ...frameFault(closeCodes.policyViolation, 'a placeholder may not be used here'), reason: this.#reason };
    }
    if (verdict === 'mention' && !this.#hasMention) {
      this.#hasMention = true;
      this.#onFinding({ kind: 'PLACEHOLDER_IN_BODY', place: 'message' });
    }
    return undefined;
  }
}
