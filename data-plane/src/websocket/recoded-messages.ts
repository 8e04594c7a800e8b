import { closeCodes, type DataPart, type FrameFault, frameFault } from './codec/frame.ts';
import type { FrameWriter } from './codec/frame-writer.ts';
import { MessageDeflater } from './message-deflater.ts';
import type { Emit, MessageFault, MessageFilter, Messages } from './message-filter.ts';
import { MessageInflater, NotDeflateData } from './message-inflater.ts';

export interface RecodedOptions {
  readonly writer: FrameWriter;
  readonly emit: Emit;
  /** Makes what looks into one message; undefined for a kind that is not looked into. */
  readonly filterOf: (message: 'text' | 'binary') => MessageFilter | undefined;
  /** What the receiver's window was agreed to be. */
  readonly maxWindowBits: number;
  readonly noContextTakeover: boolean;
  /** A compressed message that grows beyond is refused. */
  readonly maxInflatedBytes: number;
}

const empty = Buffer.alloc(0);

/**
 * Messages that are looked into on their way: taken out of their frames and out of their compression, and put into others.
 * A compressed message goes on compressed. Both windows of a direction belong together, so every compressed message of it
 * comes through here, whether it is looked into or not.
 */
export class RecodedMessages implements Messages {
  readonly #options: RecodedOptions;
  #inflater: MessageInflater | undefined;
  #deflater: MessageDeflater | undefined;
  #filter: MessageFilter | undefined;
  #inflatedBytes = 0;
  #hasBegun = false;
  /** What is ready to go on: the last piece of a message waits for its end, so that a short message is one frame. */
  #ready: Buffer = empty;

  constructor(options: RecodedOptions) {
    this.#options = options;
  }

  async take(part: DataPart): Promise<FrameFault | MessageFault | undefined> {
    if (part.isMessageStart) {
      this.#filter = this.#options.filterOf(part.message);
      this.#inflatedBytes = 0;
      this.#hasBegun = false;
    }
    if (!this.#filter && !part.isCompressed) {
      const { emit, writer } = this.#options;
      await emit(writer.part(part));
      return undefined;
    }
    try {
      return await this.#recode(part);
    } catch (error) {
      if (error instanceof NotDeflateData) return frameFault(closeCodes.badPayload, 'a message is not deflate data');
      throw error;
    }
  }

  close(): void {
    this.#inflater?.close();
    this.#deflater?.close();
    this.#filter?.letGo?.();
    this.#filter = undefined;
    this.#ready = empty;
  }

  async #recode(part: DataPart): Promise<FrameFault | MessageFault | undefined> {
    const isMessageEnd = part.isFrameEnd && part.isFinal;
    if (part.isCompressed) {
      this.#inflater ??= new MessageInflater();
      for await (const piece of this.#inflater.inflate(part.bytes, isMessageEnd)) {
        this.#inflatedBytes += piece.length;
        if (this.#inflatedBytes > this.#options.maxInflatedBytes) {
          return frameFault(closeCodes.tooBig, 'a compressed message is too long');
        }
        const stop = await this.#pass(part, piece);
        if (stop) return stop === 'gone' ? undefined : stop;
      }
    } else {
      const stop = await this.#pass(part, part.bytes);
      if (stop) return stop === 'gone' ? undefined : stop;
    }
    return await this.#endPart(part, isMessageEnd);
  }

  /** Gives a piece to the filter, and what was ready before goes on. */
  async #pass(part: DataPart, piece: Buffer): Promise<FrameFault | MessageFault | 'gone' | undefined> {
    const passed = this.#filter ? this.#filter.push(piece) : piece;
    if ('kind' in passed) return passed;
    if (passed.length === 0) return undefined;
    const ready = this.#ready;
    this.#ready = passed;
    return ready.length === 0 || (await this.#write(part, ready, false)) ? undefined : 'gone';
  }

  async #endPart(part: DataPart, isMessageEnd: boolean): Promise<FrameFault | MessageFault | undefined> {
    const last = isMessageEnd ? (this.#filter?.end() ?? empty) : empty;
    if ('kind' in last) return last;
    const payload = last.length === 0 ? this.#ready : Buffer.concat([this.#ready, last]);
    this.#ready = empty;
    if (isMessageEnd) this.#filter = undefined;
    if (isMessageEnd || payload.length > 0) await this.#write(part, payload, isMessageEnd);
    return undefined;
  }

  async #write({ message, isCompressed }: DataPart, payload: Buffer, isFinal: boolean): Promise<boolean> {
    const { writer, emit, maxWindowBits, noContextTakeover } = this.#options;
    const isMessageStart = !this.#hasBegun;
    this.#hasBegun = true;
    if (isCompressed) this.#deflater ??= new MessageDeflater({ maxWindowBits, noContextTakeover });
    const coded = isCompressed && this.#deflater ? await this.#deflater.deflate(payload, isFinal) : payload;
    return await emit(writer.frame({ message, isCompressed, isMessageStart, isFinal }, coded));
  }
}
