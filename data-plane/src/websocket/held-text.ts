import { isUtf8 } from 'node:buffer';
import type { Finding } from '@onecli/shared/domain/audit-event';
import { placeholderMark } from '@onecli/shared/domain/placeholder';
import type { PlacedText } from '../credentials/place-in-text.ts';
import { closeCodes, type FrameFault, frameFault } from './codec/frame.ts';
import type { MessageFault, MessageFilter } from './message-filter.ts';
import { WatchedText } from './watched-text.ts';

const nothing: Buffer = Buffer.alloc(0);
const notUtf8 = frameFault(closeCodes.badPayload, 'a text message is not UTF-8');
const unavailable: MessageFault = {
  ...frameFault(closeCodes.internalError, 'a secret could not be opened'),
  reason: 'SECRET_UNAVAILABLE',
};

export interface HeldTextOptions {
  /** Puts credentials in the place of placeholders. */
  readonly place: (text: string) => PlacedText;
  readonly onFinding: (finding: Finding) => void;
  /** A longer message is not replaced in: it is watched as it streams. */
  readonly heldMessageBytes: number;
}

/**
 * A text of an agent in which placeholders are replaced: held until it is whole, so that it is never sent half-replaced.
 */
export class HeldText implements MessageFilter {
  readonly #options: HeldTextOptions;
  #pieces: Buffer[] = [];
  #heldBytes = 0;
  /** Set when the message is too long to be held. */
  #watch: WatchedText | undefined;

  constructor(options: HeldTextOptions) {
    this.#options = options;
  }

  push(bytes: Buffer): Buffer | FrameFault | MessageFault {
    if (this.#watch) return this.#watch.push(bytes);
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= this.#options.heldMessageBytes) return nothing;
    const held = this.#takeHeld();
    this.#watch = new WatchedText(this.#options.onFinding);
    return this.#watch.push(held);
  }

  end(): Buffer | FrameFault | MessageFault {
    if (this.#watch) return this.#watch.end();
    const held = this.#takeHeld();
    if (!isUtf8(held)) return notUtf8;
    if (held.indexOf(placeholderMark) === -1) return held;
    const { place, onFinding } = this.#options;
    const placed = place(held.toString('utf8'));
    if (placed.kind === 'unavailable') return unavailable;
    // Spellings that are not replaced, as JSON with escaped slashes, may stand there still.
    return placed.kind === 'placed'
      ? watchWhole(new WatchedText(onFinding), Buffer.from(placed.text))
      : watchWhole(new WatchedText(onFinding, placed.reason), held);
  }

  #takeHeld(): Buffer {
    const [first] = this.#pieces;
    const held = this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    return held;
  }
}

function watchWhole(watch: WatchedText, text: Buffer): Buffer | FrameFault | MessageFault {
  const pushed = watch.push(text);
  if ('kind' in pushed) return pushed;
  const ended = watch.end();
  return 'kind' in ended ? ended : text;
}
