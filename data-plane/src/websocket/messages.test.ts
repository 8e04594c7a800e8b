import type { Finding } from '@onecli/shared/domain/audit-event';
import { describe, expect, it } from 'vitest';
import type { PlacedText } from '../credentials/place-in-text.ts';
import { type FrameEvent, FrameParser } from './codec/frame-parser.ts';
import { FrameWriter } from './codec/frame-writer.ts';
import { HeldBytes } from '../load/held-bytes.ts';
import { HeldText } from './held-text.ts';
import { MessageDeflater } from './message-deflater.ts';
import type { Messages } from './message-filter.ts';
import { MessageInflater } from './message-inflater.ts';
import { RecodedMessages } from './recoded-messages.ts';
import { StreamedMessages } from './streamed-messages.ts';
import { WatchedText } from './watched-text.ts';

const secret = 'the value';

function place(text: string): PlacedText {
  if (text.includes('prod/stripe')) return { kind: 'refused', reason: 'PLACEHOLDER_NOT_GRANTED' };
  if (text.includes('prod/broken')) return { kind: 'unavailable', cause: new Error('altered') };
  const placed = text.replaceAll('onecli://prod/openai', secret);
  return { kind: 'placed', text: placed, used: [] };
}

/** An agent's messages on their way, and what arrives of them. */
class Way {
  readonly findings: Finding[] = [];
  readonly faults: unknown[] = [];
  readonly heldIn: HeldBytes;
  readonly #agent = new FrameWriter(true);
  readonly #parser = new FrameParser({ isFromClient: true, allowsCompression: true, heldFrameBytes: 64 });
  readonly #received: Buffer[] = [];
  readonly #messages: Messages;

  constructor(kind: 'streamed' | 'recoded', maxHeldBytes = 1e6) {
    this.heldIn = new HeldBytes(maxHeldBytes);
    const { heldIn } = this;
    const writer = new FrameWriter(true);
    const emit = (pieces: readonly Buffer[]): boolean =>
      this.#received.push(...pieces.map((piece) => Buffer.from(piece))) > 0;
    const onFinding = (finding: Finding): number => this.findings.push(finding);
    this.#messages =
      kind === 'streamed'
        ? new StreamedMessages(writer, emit, () => new WatchedText(onFinding))
        : new RecodedMessages({
            writer,
            emit,
            filterOf: (message) =>
              message === 'text' ? new HeldText({ place, onFinding, heldMessageBytes: 1000, heldIn }) : undefined,
            maxWindowBits: 15,
            noContextTakeover: false,
            maxInflatedBytes: 100_000,
          });
  }

  /** Sends a message in frames as they are given. */
  async send(
    message: 'text' | 'binary',
    frames: readonly Buffer[],
    isCompressed = false,
    isWhole = true,
  ): Promise<void> {
    for (const [index, payload] of frames.entries()) {
      const isFinal = isWhole && index === frames.length - 1;
      const shape = { message, isCompressed, isMessageStart: index === 0, isFinal };
      for (const event of this.#parser.read(Buffer.concat(this.#agent.frame(shape, Buffer.from(payload))))) {
        if (event.kind !== 'data') throw new Error(event.kind);
        const fault = await this.#messages.take(event);
        if (fault) return void this.faults.push(fault);
      }
    }
  }

  close(): void {
    this.#messages.close();
  }

  /** What arrived: every part, unmasked. */
  arrived(): FrameEvent[] {
    const parser = new FrameParser({ isFromClient: true, allowsCompression: true, heldFrameBytes: 1e9 });
    return parser.read(Buffer.concat(this.#received));
  }

  /** The payloads that arrived, one text for each message. */
  async texts(): Promise<string[]> {
    const inflater = new MessageInflater();
    const texts: string[] = [];
    let text = '';
    for (const event of this.arrived()) {
      if (event.kind !== 'data') throw new Error(event.kind);
      if (!event.isCompressed) text += event.bytes.toString('latin1');
      else for await (const piece of inflater.inflate(event.bytes, event.isFinal)) text += piece.toString('latin1');
      if (!event.isFinal) continue;
      texts.push(text);
      text = '';
    }
    inflater.close();
    return texts;
  }
}

function parts(text: string, ...cuts: number[]): Buffer[] {
  return [0, ...cuts].map((from, index) => Buffer.from(text.slice(from, cuts[index])));
}

describe('messages that stream', () => {
  it('go on in the frames that they came in', async () => {
    const way = new Way('streamed');
    await way.send('text', parts('Hello, all of you', 3, 8));
    await way.send('binary', [Buffer.alloc(500, 'x')]);
    expect(way.arrived()).toMatchObject([
      { frameBytes: 3, isFinal: false, isMessageStart: true },
      { frameBytes: 5, isFinal: false, isMessageStart: false },
      { frameBytes: 9, isFinal: true },
      { frameBytes: 500, message: 'binary' },
    ]);
  });

  it('a placeholder as a value stops a short frame before any of it leaves', async () => {
    const way = new Way('streamed');
    await way.send('text', [Buffer.from('{"key":"onecli://prod/openai"}')]);
    expect(way.faults).toMatchObject([{ closeCode: 1008, reason: 'PLACEHOLDER_NOT_BOUND' }]);
    expect(way.arrived()).toEqual([]);
  });

  it('a placeholder in running text is a finding, one for a message', async () => {
    const way = new Way('streamed');
    await way.send('text', parts('see onecli://prod/a and onecli://prod/b there', 12, 30));
    expect(way.findings).toEqual([{ kind: 'PLACEHOLDER_IN_BODY', place: 'message' }]);
    expect(await way.texts()).toEqual(['see onecli://prod/a and onecli://prod/b there']);
  });

  it('text that is not UTF-8 stops, binary data is not text', async () => {
    const way = new Way('streamed');
    await way.send('binary', [Buffer.from([0xff])]);
    await way.send('text', [Buffer.from([0xc3]), Buffer.from([0x41])]);
    expect(way.faults).toMatchObject([{ closeCode: 1007 }]);
  });
});

describe('messages that are looked into', () => {
  it('a placeholder over all borders of frames is replaced, and the message is one frame', async () => {
    const way = new Way('recoded');
    const text = 'key onecli://prod/openai.';
    await way.send('text', parts('a onecli://prod/openai b', ...Array.from({ length: 23 }, (_, at) => at + 1)));
    await way.send('text', [Buffer.from(text)]);
    expect(await way.texts()).toEqual([`a ${secret} b`, `key ${secret}.`]);
    expect(way.arrived()).toHaveLength(2);
  });

  it('compressed messages are replaced in and go on compressed, with their windows kept', async () => {
    const way = new Way('recoded');
    const deflater = new MessageDeflater({ maxWindowBits: 15, noContextTakeover: false });
    for (const text of ['a onecli://prod/openai', 'b onecli://prod/openai', 'c']) {
      const payload = await deflater.deflate(Buffer.from(text), true);
      await way.send('text', [payload.subarray(0, 5), payload.subarray(5)], true);
      await way.send('binary', [await deflater.deflate(Buffer.from(text), true)], true);
    }
    const placed = [`a ${secret}`, `b ${secret}`, 'c'];
    const raw = ['a onecli://prod/openai', 'b onecli://prod/openai', 'c'];
    expect(await way.texts()).toEqual(placed.flatMap((text, index) => [text, raw[index]]));
    expect(way.arrived().every((event) => event.kind === 'data' && event.isCompressed)).toBe(true);
    deflater.close();
  });

  it.each([
    ['{"a":"onecli://prod/stripe"}', 1008, 'PLACEHOLDER_NOT_GRANTED'],
    ['{"a":"onecli://prod/openai","b":"onecli://prod/stripe"}', 1008, 'PLACEHOLDER_NOT_GRANTED'],
    ['{"a":"onecli:\\/\\/prod\\/openai"}', 1008, 'PLACEHOLDER_NOT_BOUND'],
    ['{"a":"onecli://prod/broken"}', 1011, 'SECRET_UNAVAILABLE'],
  ])('%s stops with %s, and nothing leaves', async (text, closeCode, reason) => {
    const way = new Way('recoded');
    await way.send('text', [Buffer.from(text)]);
    expect(way.faults).toMatchObject([{ closeCode, reason }]);
    expect(way.arrived()).toEqual([]);
  });

  it('a mention of what is not granted leaves as it is, and then nothing of that message is replaced', async () => {
    const way = new Way('recoded');
    await way.send('text', [Buffer.from('see onecli://prod/stripe, and onecli://prod/openai too')]);
    expect(await way.texts()).toEqual(['see onecli://prod/stripe, and onecli://prod/openai too']);
    expect(way.findings).toEqual([{ kind: 'PLACEHOLDER_IN_BODY', place: 'message' }]);
  });

  it('what is held counts until it goes on, streams after all, or its WebSocket is over', async () => {
    const way = new Way('recoded');
    await way.send('text', [Buffer.alloc(600, 'x')]);
    await way.send('text', [Buffer.alloc(600, 'x'), Buffer.alloc(600, 'x')]);
    expect([way.heldIn.bytes, (await way.texts()).map(({ length }) => length)]).toEqual([0, [600, 1200]]);
    await way.send('text', [Buffer.alloc(600, 'x'), Buffer.alloc(0), Buffer.alloc(200, 'x')], false, false);
    expect(way.heldIn.bytes).toBe(800);
    way.close();
    expect(way.heldIn.bytes).toBe(0);
  });

  it('what there is no room for beside what others hold stops with 1013, and nothing of it leaves', async () => {
    const way = new Way('recoded', 1500);
    way.heldIn.take(1000);
    await way.send('text', [Buffer.alloc(300, 'x'), Buffer.alloc(300, 'x')]);
    expect(way.faults).toMatchObject([{ closeCode: 1013, reason: 'OVERLOADED' }]);
    expect(way.arrived()).toEqual([]);
    way.close();
    expect(way.heldIn.bytes).toBe(1000);
  });

  it('a message too long to be held streams, unreplaced and watched', async () => {
    const way = new Way('recoded');
    await way.send('text', [Buffer.from(`${'x'.repeat(2000)} onecli://prod/openai end`)]);
    expect((await way.texts())[0]).toContain(' onecli://prod/openai end');
    await way.send('text', [Buffer.from(`${'x'.repeat(2000)}"onecli://prod/openai"`)]);
    expect(way.faults).toMatchObject([{ closeCode: 1008 }]);
  });

  it('a compressed message that grows beyond its bound stops', async () => {
    const way = new Way('recoded');
    const deflater = new MessageDeflater({ maxWindowBits: 15, noContextTakeover: false });
    await way.send('binary', [await deflater.deflate(Buffer.alloc(200_000), true)], true);
    expect(way.faults).toMatchObject([{ closeCode: 1009 }]);
    deflater.close();
  });
});
