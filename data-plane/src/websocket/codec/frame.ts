/**
 * The vocabulary of WebSocket frames (RFC 6455 5). The codec is sans-IO: functions of bytes and values.
 */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Status codes that this codec and its callers send in a Close frame (RFC 6455 7.4.1). */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  badPayload: 1007,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  tryAgainLater: 1013,
} as const;

/** Why a peer's frames were refused, and the status code to tell it by. `detail` never quotes what was received. */
export interface FrameFault {
  readonly kind: 'fault';
  readonly closeCode: number;
  readonly detail: string;
}

/** Builds a fault. `detail` must be a fixed text. */
export function frameFault(closeCode: number, detail: string): FrameFault {
  return { kind: 'fault', closeCode, detail };
}

/** Payload of a data frame, unmasked, in order. A frame that is not held whole comes in several parts. */
export interface DataPart {
  readonly kind: 'data';
  readonly message: 'text' | 'binary';
  /** The message is compressed: RSV1 stood on its first frame (RFC 7692 6). */
  readonly isCompressed: boolean;
  /** First part of a frame; it then says how long the whole frame is. */
  readonly isFrameStart: boolean;
  readonly isMessageStart: boolean;
  readonly frameBytes: number;
  /** FIN: the frame is its message's last. */
  readonly isFinal: boolean;
  readonly isFrameEnd: boolean;
  readonly bytes: Buffer;
}

/** The most that a control frame may carry (RFC 6455 5.5). */
export const maxControlBytes = 125;

export interface ControlFrame {
  readonly kind: 'control';
  readonly opcode: number;
  readonly payload: Buffer;
}

/**
 * XORs `bytes` in place with a masking key (RFC 6455 5.3). `offset` is where in the frame's payload they begin; the same
 * call masks and unmasks.
 */
export function applyMask(bytes: Buffer, key: Buffer, offset = 0): void {
  const length = bytes.length;
  let at = 0;
  // Up to a border of four bytes of memory, so that the rest goes word by word.
  for (; at < length && (bytes.byteOffset + at) % 4 !== 0; at++) maskByte(bytes, key, at, offset);
  const wordCount = (length - at) >> 2;
  if (wordCount > 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, wordCount);
    const turned = new Uint8Array(4);
    for (let index = 0; index < 4; index++) turned[index] = key[(offset + at + index) & 3] as number;
    const [keyWord = 0] = new Int32Array(turned.buffer);
    for (let index = 0; index < wordCount; index++) words[index] = (words[index] as number) ^ keyWord;
    at += wordCount * 4;
  }
  for (; at < length; at++) maskByte(bytes, key, at, offset);
}

function maskByte(bytes: Buffer, key: Buffer, at: number, offset: number): void {
  bytes[at] = (bytes[at] as number) ^ (key[(offset + at) & 3] as number);
}

/** The payload of a Close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}
