import { randomFillSync } from 'node:crypto';
import { applyMask, type DataPart, opcodes } from './frame.ts';

const compressedBit = 0x40;
const finalBit = 0x80;

/** What a data frame is to be: one of a message's, with its place in it. */
export interface FrameShape {
  readonly message: 'text' | 'binary';
  readonly isCompressed: boolean;
  readonly isMessageStart: boolean;
  readonly isFinal: boolean;
}

/**
 * Frames for one direction of a WebSocket (RFC 6455 5.2), masked with fresh keys when we stand for the client. Payloads
 * are masked in place: the writer owns them from here on.
 */
export class FrameWriter {
  readonly #isClient: boolean;
  #key: Buffer | undefined;
  #writtenBytes = 0;
  #isMidFrame = false;

  constructor(isClient: boolean) {
    this.#isClient = isClient;
  }

  /** True between the parts of a frame: no other frame may be written now. */
  get isMidFrame(): boolean {
    return this.#isMidFrame;
  }

  control(opcode: number, payload: Buffer): Buffer[] {
    return [this.#header(finalBit | opcode, payload.length), this.#masked(Buffer.from(payload))];
  }

  /** A whole data frame. */
  frame({ message, isCompressed, isMessageStart, isFinal }: FrameShape, payload: Buffer): Buffer[] {
    const first = firstByte(message, isCompressed, isMessageStart, isFinal);
    return [this.#header(first, payload.length), this.#masked(payload)];
  }

  /** A part of a data frame as it was read, in a frame of the same shape and length. */
  part({
    message,
    isCompressed,
    isMessageStart,
    isFinal,
    isFrameStart,
    frameBytes,
    isFrameEnd,
    bytes,
  }: DataPart): Buffer[] {
    this.#isMidFrame = !isFrameEnd;
    if (!isFrameStart) return [this.#masked(bytes)];
    const first = firstByte(message, isCompressed, isMessageStart, isFinal);
    return [this.#header(first, frameBytes), this.#masked(bytes)];
  }

  #header(first: number, lengthBytes: number): Buffer {
    const lengthField = lengthBytes < 126 ? 0 : lengthBytes < 0x10000 ? 2 : 8;
    const header = Buffer.alloc(2 + lengthField + (this.#isClient ? 4 : 0));
    header[0] = first;
    header[1] = (this.#isClient ? 0x80 : 0) | (lengthField === 0 ? lengthBytes : lengthField === 2 ? 126 : 127);
    if (lengthField === 2) header.writeUInt16BE(lengthBytes, 2);
    if (lengthField === 8) {
      header.writeUInt32BE(Math.floor(lengthBytes / 2 ** 32), 2);
      header.writeUInt32BE(lengthBytes % 2 ** 32, 6);
    }
    this.#writtenBytes = 0;
    if (this.#isClient) {
      this.#key = nextKey();
      this.#key.copy(header, 2 + lengthField);
    }
    return header;
  }

  #masked(payload: Buffer): Buffer {
    if (this.#key) applyMask(payload, this.#key, this.#writtenBytes);
    this.#writtenBytes += payload.length;
    return payload;
  }
}

function firstByte(message: 'text' | 'binary', isCompressed: boolean, isStart: boolean, isFinal: boolean): number {
  const opcode = isStart ? opcodes[message] : opcodes.continuation;
  return opcode | (isStart && isCompressed ? compressedBit : 0) | (isFinal ? finalBit : 0);
}

const keys = Buffer.alloc(4096);
let keyAt = keys.length;

/** Keys cannot be foretold (RFC 6455 5.3); they are drawn by the thousand, for drawing one costs as much. */
function nextKey(): Buffer {
  if (keyAt === keys.length) {
    randomFillSync(keys);
    keyAt = 0;
  }
  keyAt += 4;
  return Buffer.from(keys.subarray(keyAt - 4, keyAt));
}
