import { isUtf8 } from 'node:buffer';
import type { Finding } from '@onecli/shared/domain/audit-event';
import { placeholderMark } from '@onecli/shared/domain/placeholder';
import type { PlacedText } from '../credentials/place-in-text.ts';
import { HeldBuffer } from '../load/held-buffer.ts';
import type { HeldBytes } from '../load/held-bytes.ts';
import { closeCodes, type FrameFault, frameFault } from './codec/frame.ts';
import type { MessageFault, MessageFilter } from './message-filter.ts';
import { WatchedText } from './watched-text.ts';

const nothing: Buffer = Buffer.alloc(0);
const notUtf8 = frameFault(closeCodes.badPayload, 'a text message is not UTF-8');
const noRoom: MessageFault = {
  ...frameFault(closeCodes.tryAgainLater, 'this worker holds as much as it may'),
  reason: 'OVERLOADED',
};
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
  /** Where what is held is counted, beside what others hold. */
  readonly heldIn: HeldBytes;
}

/**
 * A text of an agent in which placeholders are replaced: held until it is whole, so that it is never sent half-replaced.
 */
export class HeldText implements MessageFilter {
  readonly #options: HeldTextOptions;
  readonly #held: HeldBuffer;
  /** Set when the message is too long to be held. */
  #watch: WatchedText | undefined;

  constructor(options: HeldTextOptions) {
    this.#options = options;
    this.#held = new HeldBuffer(options.heldIn);
  }

  push(bytes: Buffer): Buffer | FrameFault | MessageFault {
    if (this.#watch) return this.#watch.push(bytes);
    const { heldMessageBytes, onFinding } = this.#options;
    if (this.#held.bytes + bytes.length <= heldMessageBytes) return this.#held.push(bytes) ? nothing : noRoom;
    this.#watch = new WatchedText(onFinding);
    return this.#watch.push(Buffer.concat([this.#takeHeld(), bytes]));
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

  letGo(): void {
    this.#held.letGo();
  }

  #takeHeld(): Buffer {
    const held = this.#held.whole;
    this.letGo();
    return held;
  }
}

function watchWhole(watch: WatchedText, text: Buffer): Buffer | FrameFault | MessageFault {
  const pushed = watch.push(text);
  if ('kind' in pushed) return pushed;
  const ended = watch.end();
  return 'kind' in ended ? ended : text;
}
