import { closeFault } from './close-frame.ts';
import {
  applyMask,
  closeCodes,
  type ControlFrame,
  type DataPart,
  type FrameFault,
  frameFault,
  maxControlBytes,
  opcodes,
} from './frame.ts';

export interface FrameParserOptions {
  /** Frames come from a client and must be masked; a server's must not be (RFC 6455 5.1). */
  readonly isFromClient: boolean;
  /** permessage-deflate was negotiated: RSV1 may stand on a message's first frame. */
  readonly allowsCompression: boolean;
  /** A data frame of at most so many bytes comes whole, in one part; a longer one as its bytes come. */
  readonly heldFrameBytes: number;
}

export type FrameEvent = DataPart | ControlFrame | FrameFault;

interface FrameHeader {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly hasRsv1: boolean;
  readonly lengthBytes: number;
  readonly key: Buffer | undefined;
}

const maxHeaderBytes = 14;

/**
 * Reads frames off one direction of a WebSocket, strictly by RFC 6455 5: reserved bits and opcodes, masking, minimal
 * lengths, whole and short control frames, fragments in order. After a fault it reads nothing more.
 */
export class FrameParser {
  readonly #options: FrameParserOptions;
  /** The beginning of a header that is not whole yet. */
  #headStart: Buffer | undefined;
  #header: FrameHeader | undefined;
  /** The payload of a frame that is held, as far as it came. */
  #held: Buffer | undefined;
  /** Of the present frame's payload, what has come. */
  #takenBytes = 0;
  #message: { readonly type: 'text' | 'binary'; readonly isCompressed: boolean } | undefined;
  #isFaulty = false;

  constructor(options: FrameParserOptions) {
    this.#options = options;
  }

  /** What the next bytes complete, in order. They are unmasked in place: the parser owns them from here on. */
  read(bytes: Buffer): FrameEvent[] {
    const events: FrameEvent[] = [];
    let rest: Buffer | undefined = bytes;
    while (rest !== undefined && !this.#isFaulty)
      rest = this.#header ? this.#payload(rest, events) : this.#head(rest, events);
    return events;
  }

  /** Takes a frame's header. Gives what follows it, or undefined when more bytes are needed. */
  #head(bytes: Buffer, events: FrameEvent[]): Buffer | undefined {
    if (bytes.length === 0) return undefined;
    const start = this.#headStart;
    const head = start === undefined ? bytes : Buffer.concat([start, bytes.subarray(0, maxHeaderBytes)]);
    const parsed = this.#parseHeader(head);
    this.#headStart = parsed === undefined ? Buffer.from(head) : undefined;
    if (parsed === undefined) return undefined;
    if (parsed.kind === 'fault') return this.#fail(parsed, events);
    const { header, headerBytes } = parsed;
    this.#header = header;
    this.#takenBytes = 0;
    if (header.opcode === opcodes.text || header.opcode === opcodes.binary) {
      this.#message = { type: header.opcode === opcodes.text ? 'text' : 'binary', isCompressed: header.hasRsv1 };
    }
    return bytes.subarray(headerBytes - (start?.length ?? 0));
  }

  #parseHeader(
    bytes: Buffer,
  ): { readonly kind: 'header'; readonly header: FrameHeader; readonly headerBytes: number } | FrameFault | undefined {
    const [first = 0, second] = bytes;
    const opcode = first & 0x0f;
    const fault = this.#opcodeFault(first, opcode);
    if (fault) return fault;
    if (second === undefined) return undefined;
    const isMasked = second >= 0x80;
    if (isMasked !== this.#options.isFromClient) {
      return protocolFault(isMasked ? 'a frame of a server is masked' : 'a frame of a client is not masked');
    }
    const short = second & 0x7f;
    if (opcode >= opcodes.close && short > maxControlBytes) return protocolFault('a control frame is too long');
    const length = readLength(bytes, short);
    if (length === undefined || typeof length === 'object') return length;
    const keyAt = short === 127 ? 10 : short === 126 ? 4 : 2;
    const headerBytes = keyAt + (isMasked ? 4 : 0);
    if (bytes.length < headerBytes) return undefined;
    const key = isMasked ? Buffer.from(bytes.subarray(keyAt, headerBytes)) : undefined;
    const header = { opcode, isFinal: first >= 0x80, hasRsv1: (first & 0x40) !== 0, lengthBytes: length, key };
    return { kind: 'header', header, headerBytes };
  }

  /** Judges a frame's first byte, after the frames before it. */
  #opcodeFault(first: number, opcode: number): FrameFault | undefined {
    const isFinal = first >= 0x80;
    const hasRsv1 = (first & 0x40) !== 0;
    if ((first & 0x30) !== 0) return protocolFault('a reserved bit is set');
    if (opcode >= opcodes.close) {
      if (opcode > opcodes.pong) return protocolFault('an opcode is unknown');
      if (hasRsv1) return protocolFault('a reserved bit is set');
      return isFinal ? undefined : protocolFault('a control frame is fragmented');
    }
    if (opcode === opcodes.continuation) {
      if (hasRsv1) return protocolFault('a reserved bit is set');
      return this.#message ? undefined : protocolFault('a continuation has no beginning');
    }
    if (opcode > opcodes.binary) return protocolFault('an opcode is unknown');
    if (hasRsv1 && !this.#options.allowsCompression) return protocolFault('a reserved bit is set');
    return this.#message ? protocolFault('a message begins within another') : undefined;
  }

  /** Takes payload of the present frame. Gives what follows the frame, or undefined when more bytes are needed. */
  #payload(bytes: Buffer, events: FrameEvent[]): Buffer | undefined {
    const header = this.#header as FrameHeader;
    const isControl = header.opcode >= opcodes.close;
    const isHeld = isControl || header.lengthBytes <= this.#options.heldFrameBytes;
    const taken = bytes.subarray(0, header.lengthBytes - this.#takenBytes);
    const startsAt = this.#takenBytes;
    this.#takenBytes += taken.length;
    const isWhole = this.#takenBytes === header.lengthBytes;
    if (!isWhole && taken.length === 0) return undefined;
    const payload = isHeld ? this.#hold(taken, startsAt, header.lengthBytes) : taken;
    if (isHeld && !isWhole) return undefined;
    if (header.key) applyMask(payload, header.key, isHeld ? 0 : startsAt);
    this.#held = undefined;
    if (isWhole) this.#header = undefined;
    if (isControl) this.#giveControl(header.opcode, payload, events);
    else this.#giveData(header, payload, isHeld || startsAt === 0, isWhole, events);
    return isWhole ? bytes.subarray(taken.length) : undefined;
  }

  /** One buffer for a frame that comes in pieces, however small they are; none for one that is there at once. */
  #hold(taken: Buffer, startsAt: number, lengthBytes: number): Buffer {
    if (taken.length === lengthBytes) return taken;
    this.#held ??= Buffer.allocUnsafe(lengthBytes);
    taken.copy(this.#held, startsAt);
    return this.#held;
  }

  #giveControl(opcode: number, payload: Buffer, events: FrameEvent[]): void {
    const fault = opcode === opcodes.close ? closeFault(payload) : undefined;
    if (fault) this.#fail(fault, events);
    else events.push({ kind: 'control', opcode, payload });
  }

  #giveData(
    { opcode, isFinal, lengthBytes }: FrameHeader,
    bytes: Buffer,
    isFrameStart: boolean,
    isFrameEnd: boolean,
    events: FrameEvent[],
  ): void {
    const message = this.#message;
    if (!message) throw new Error('a data frame belongs to no message');
    events.push({
      kind: 'data',
      message: message.type,
      isCompressed: message.isCompressed,
      isFrameStart,
      isMessageStart: isFrameStart && opcode !== opcodes.continuation,
      frameBytes: lengthBytes,
      isFinal,
      isFrameEnd,
      bytes,
    });
    if (isFrameEnd && isFinal) this.#message = undefined;
  }

  #fail(fault: FrameFault, events: FrameEvent[]): undefined {
    this.#isFaulty = true;
    events.push(fault);
    return undefined;
  }
}

/** The payload's length in its one minimal form (RFC 6455 5.2); undefined when more bytes are needed. */
function readLength(bytes: Buffer, short: number): number | FrameFault | undefined {
  if (short < 126) return short;
  if (short === 126) {
    if (bytes.length < 4) return undefined;
    const length = bytes.readUInt16BE(2);
    return length < 126 ? protocolFault('a length is not in its shortest form') : length;
  }
  if (bytes.length < 10) return undefined;
  const high = bytes.readUInt32BE(2);
  const length = high * 2 ** 32 + bytes.readUInt32BE(6);
  if (length < 0x10000) return protocolFault('a length is not in its shortest form');
  return Number.isSafeInteger(length) ? length : frameFault(closeCodes.tooBig, 'a frame is too long');
}

function protocolFault(detail: string): FrameFault {
  return frameFault(closeCodes.protocolError, detail);
}
