/**
 * Undoes Content-Encoding (RFC 9110 8.4.1), so that what an upstream compresses can be searched. Streaming: output is made
 * at the pace at which it is taken, so that a small answer that decodes to a huge one costs time and no memory.
 */
import * as zlib from 'node:zlib';
import type { Header } from '../wire/head.ts';
import { ZstdFrames } from './zstd-frames.ts';

const maxCodings = 3;

/** RFC 9659: a decoder of web content need not take more, and a larger window is memory that a peer would choose. */
const maxZstdWindowBits = 23;

type Stage = zlib.Gunzip | zlib.BrotliDecompress | zlib.Inflate;

const makers = new Map<string, (firstByte: number) => Stage>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['br', () => zlib.createBrotliDecompress()],
  // Some send the bare stream without zlib's wrapper, whose first byte ends in 8 (RFC 1950 2.2).
  ['deflate', (firstByte) => ((firstByte & 15) === 8 ? zlib.createInflate() : zlib.createInflateRaw())],
  ...zstdMaker(),
]);

/** Node has zstd from 22.15 on. */
function zstdMaker(): readonly [string, () => Stage][] {
  const { createZstdDecompress, constants } = zlib as unknown as {
    readonly createZstdDecompress?: (options: { readonly params: Readonly<Record<number, number>> }) => Stage;
    readonly constants: { readonly ZSTD_d_windowLogMax: number };
  };
  if (createZstdDecompress === undefined) return [];
  return [['zstd', () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: maxZstdWindowBits } })]];
}

/** How gRPC and Connect compress each message of a stream: within a payload, where it is not undone here. */
const ofMessages = new Set(['grpc-encoding', 'connect-content-encoding']);

/**
 * The codings of a payload in the order in which they were applied; none for `identity`. Undefined when one is not known
 * here, there are more than three, or the payload is of messages that are each compressed.
 */
export function contentCodings(headers: readonly Header[]): readonly string[] | undefined {
  let codings: string[] | undefined;
  for (const { name, value } of headers) {
    if (ofMessages.has(name) && value.toLowerCase() !== 'identity') return undefined;
    if (name !== 'content-encoding') continue;
    codings ??= [];
    for (const part of value.toLowerCase().split(',')) {
      const coding = part.trim();
      if (coding === '' || coding === 'identity') continue;
      if (!makers.has(coding) || codings.length === maxCodings) return undefined;
      codings.push(coding);
    }
  }
  return codings ?? none;
}

const none: readonly string[] = [];

/** The bytes are not what their coding says, or were cut short. */
export class DecodeError extends Error {}

/** Decodes one payload. Whoever makes one closes it. */
export class ContentDecoder {
  /** In the order in which they undo. */
  readonly #stages: readonly DecoderStage[];

  /** Takes what `contentCodings` gave. */
  constructor(codings: readonly string[]) {
    this.#stages = codings.map((coding) => new DecoderStage(coding)).reverse();
  }

  /** What the next bytes decode to. Throws DecodeError for bytes that are not so encoded. */
  decode(bytes: Buffer): AsyncGenerator<Buffer, void> {
    return this.#through(0, bytes);
  }

  /** What was left when the payload ended. Throws DecodeError when it was cut short. */
  async *finish(): AsyncGenerator<Buffer, void> {
    for (let index = 0; index < this.#stages.length; index++) {
      for await (const piece of (this.#stages[index] as DecoderStage).finish()) yield* this.#through(index + 1, piece);
    }
  }

  close(): void {
    for (const stage of this.#stages) stage.close();
  }

  async *#through(index: number, bytes: Buffer): AsyncGenerator<Buffer, void> {
    const stage = this.#stages[index];
    if (stage === undefined) {
      yield bytes;
      return;
    }
    for await (const piece of stage.decode(bytes)) yield* this.#through(index + 1, piece);
  }
}

/** One coding. Pulls: the decompressor goes on only as its output is taken. */
class DecoderStage {
  readonly #coding: string;
  readonly #frames: ZstdFrames | undefined;
  #stream: Stage | undefined;
  #isInputTaken = false;
  /** Bytes behind the end of an encoded stream are no part of it. */
  #isEnded = false;
  #fault: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(coding: string) {
    this.#coding = coding;
    this.#frames = coding === 'zstd' ? new ZstdFrames() : undefined;
  }

  decode(bytes: Buffer): AsyncGenerator<Buffer, void> {
    const stream = this.#open(bytes[0]);
    this.#frames?.push(bytes);
    this.#isInputTaken = bytes.length === 0 || this.#isEnded;
    if (!this.#isInputTaken) stream?.write(bytes, () => this.#notify(() => (this.#isInputTaken = true)));
    return this.#output(() => this.#isInputTaken);
  }

  /** An empty payload decodes to nothing. */
  finish(): AsyncGenerator<Buffer, void> {
    if (this.#frames?.isWhole === false) throw new DecodeError('the payload was cut short');
    if (this.#stream === undefined) this.#isEnded = true;
    else if (!this.#isEnded) this.#stream.end();
    return this.#output(() => false);
  }

  close(): void {
    this.#stream?.destroy();
  }

  #open(firstByte: number | undefined): Stage | undefined {
    if (this.#stream !== undefined || firstByte === undefined) return this.#stream;
    const stream = makers.get(this.#coding)?.(firstByte);
    if (stream === undefined) throw new TypeError('the coding is not known');
    stream.on('readable', () => this.#notify());
    stream.on('end', () => this.#notify(() => (this.#isEnded = true)));
    stream.on('error', (error) => this.#notify(() => (this.#fault = error)));
    stream.on('close', () => this.#notify(() => (this.#isEnded = true)));
    this.#stream = stream;
    return stream;
  }

  async *#output(isEnough: () => boolean): AsyncGenerator<Buffer, void> {
    for (;;) {
      const piece = this.#stream?.read() as Buffer | null | undefined;
      if (this.#fault !== undefined)
        throw new DecodeError('the payload is not encoded as it says', { cause: this.#fault });
      if (piece) yield piece;
      else if (this.#isEnded || isEnough()) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #notify(change?: () => void): void {
    change?.();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
