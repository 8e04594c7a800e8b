import type { DataPart, FrameFault } from './codec/frame.ts';
import type { FrameWriter } from './codec/frame-writer.ts';
import type { Emit, MessageFault, MessageFilter, Messages } from './message-filter.ts';

/** Messages that go on in the frames that they came in. Text that is not compressed is watched; compressed, it is not read. */
export class StreamedMessages implements Messages {
  readonly #writer: FrameWriter;
  readonly #emit: Emit;
  readonly #watchText: () => MessageFilter;
  #watch: MessageFilter | undefined;

  /** @param watchText makes what watches one message: it must give on what it is given */
  constructor(writer: FrameWriter, emit: Emit, watchText: () => MessageFilter) {
    this.#writer = writer;
    this.#emit = emit;
    this.#watchText = watchText;
  }

  async take(part: DataPart): Promise<FrameFault | MessageFault | undefined> {
    if (part.isMessageStart)
      this.#watch = part.message === 'text' && !part.isCompressed ? this.#watchText() : undefined;
    const fault = this.#watchPart(part);
    if (fault) return fault;
    const written = this.#emit(this.#writer.part(part));
    if (typeof written !== 'boolean') await written;
    return undefined;
  }

  close(): void {
    this.#watch = undefined;
  }

  #watchPart({ bytes, isFrameEnd, isFinal }: DataPart): FrameFault | MessageFault | undefined {
    const watched = this.#watch?.push(bytes);
    if (watched && 'kind' in watched) return watched;
    const ended = isFrameEnd && isFinal ? this.#watch?.end() : undefined;
    return ended && 'kind' in ended ? ended : undefined;
  }
}
