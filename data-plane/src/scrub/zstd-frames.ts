const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const magicBytes = 4;
const blockHeaderBytes = 3;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;

type Step = 'magic' | 'skippable' | 'descriptor' | 'block' | 'content' | 'rest' | 'broken';

/** Follows Zstandard frames (RFC 8878 3.1) as far as it takes to tell a whole stream from a cut one: Node's decoder does not. */
export class ZstdFrames {
  #step: Step = 'magic';
  /** Bytes of this step that are still to come. */
  #left = magicBytes;
  /** The number that they make, little-endian; of no use where they are passed over. */
  #value = 0;
  #scale = 1;
  #hasChecksum = false;
  #isLastBlock = false;

  /** Whether the stream may end here. */
  get isWhole(): boolean {
    return this.#step === 'magic' && this.#left === magicBytes;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const isPassedOver = this.#step === 'content' || this.#step === 'rest' || this.#step === 'broken';
      const taken = isPassedOver ? Math.min(this.#left, bytes.length - at) : 1;
      if (!isPassedOver) this.#value += (bytes[at] as number) * this.#scale;
      this.#scale *= 256;
      this.#left -= taken;
      at += taken;
      // A step of no bytes ends at once.
      while (this.#left === 0) this.#advance();
    }
  }

  #advance(): void {
    const value = this.#value;
    switch (this.#step) {
      case 'magic':
        if (value === frameMagic) return this.#await('descriptor', 1);
        // Sixteen magic numbers begin a frame to be skipped.
        return value - (value % 16) === skippableMagic ? this.#await('skippable', 4) : this.#await('broken', Infinity);
      case 'skippable':
        this.#hasChecksum = false;
        return this.#await('rest', value);
      case 'descriptor': {
        this.#hasChecksum = (value & 4) !== 0;
        this.#isLastBlock = false;
        const isSingleSegment = (value & 32) !== 0;
        const sizeFlag = (value >> 6) as 0 | 1 | 2 | 3;
        const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : contentSizeBytes[sizeFlag];
        return this.#await(
          'content',
          (isSingleSegment ? 0 : 1) + dictionaryIdBytes[(value & 3) as 0 | 1 | 2 | 3] + sizeBytes,
        );
      }
      case 'block': {
        this.#isLastBlock = (value & 1) !== 0;
        const isRepeated = ((value >> 1) & 3) === 1;
        return this.#await('content', isRepeated ? 1 : value >> 3);
      }
      case 'content':
        return this.#isLastBlock
          ? this.#await('rest', this.#hasChecksum ? 4 : 0)
          : this.#await('block', blockHeaderBytes);
      case 'rest':
        return this.#await('magic', magicBytes);
      case 'broken':
        return;
    }
  }

  #await(step: Step, bytes: number): void {
    this.#step = step;
    this.#left = bytes;
    this.#value = 0;
    this.#scale = 1;
  }
}
