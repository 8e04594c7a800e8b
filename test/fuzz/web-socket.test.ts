import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opcodes } from '../../data-plane/src/websocket/codec/frame.ts';
import { type FrameEvent, FrameParser } from '../../data-plane/src/websocket/codec/frame-parser.ts';
import { FrameWriter } from '../../data-plane/src/websocket/codec/frame-writer.ts';
import { parseOffers, writeOffers } from '../../data-plane/src/websocket/codec/extensions.ts';
import { Utf8Check } from '../../data-plane/src/websocket/codec/utf8-check.ts';
import { isUtf8 } from 'node:buffer';
import { cutAt } from '../differential/read-message.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 6;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 10_000) / properties));

interface Sent {
  message: 'text' | 'binary' | 'ping';
  isCompressed: boolean;
  frames: Buffer[];
}

const payload = fc
  .oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 300 }))
  .map((bytes) => Buffer.from(bytes));
const dataMessage = fc.record({
  message: fc.constantFrom<'text' | 'binary'>('text', 'binary'),
  isCompressed: fc.boolean(),
  frames: fc.array(payload, { minLength: 1, maxLength: 4 }),
});
const ping = fc
  .uint8Array({ maxLength: 125 })
  .map((bytes): Sent => ({ message: 'ping', isCompressed: false, frames: [Buffer.from(bytes)] }));
const conversation = fc.array(fc.oneof<fc.Arbitrary<Sent>[]>(dataMessage, ping), { maxLength: 6 });
const offsets = fc.array(fc.nat(1500), { maxLength: 12 });

function write(sent: readonly Sent[], isClient: boolean): Buffer {
  const writer = new FrameWriter(isClient);
  const pieces = sent.flatMap(({ message, isCompressed, frames }) =>
    frames.flatMap((bytes, index) => {
      if (message === 'ping') return writer.control(opcodes.ping, bytes);
      const shape = { message, isCompressed, isMessageStart: index === 0, isFinal: index === frames.length - 1 };
      return writer.frame(shape, Buffer.from(bytes));
    }),
  );
  return Buffer.concat(pieces);
}

function readAll(parser: FrameParser, bytes: Buffer, at: readonly number[]): FrameEvent[] {
  return cutAt(Buffer.from(bytes), at).flatMap((piece) => parser.read(piece));
}

/** Messages and pings, whatever they were cut into. */
function messages(events: readonly FrameEvent[]): unknown[] {
  const found: unknown[] = [];
  let open: Buffer[] = [];
  for (const event of events) {
    if (event.kind === 'fault') found.push(`fault ${event.closeCode}`);
    else if (event.kind === 'control') found.push(`control ${event.opcode} ${event.payload.toString('hex')}`);
    else {
      open.push(event.bytes);
      if (!event.isFinal || !event.isFrameEnd) continue;
      found.push(`${event.message} ${event.isCompressed} ${Buffer.concat(open).toString('hex')}`);
      open = [];
    }
  }
  return found;
}

function parser(isFromClient: boolean, heldFrameBytes: number): FrameParser {
  return new FrameParser({ isFromClient, allowsCompression: true, heldFrameBytes });
}

describe('WebSocket frames', () => {
  it('frames in any chunks give the messages that were sent', () => {
    const property = fc.property(conversation, fc.boolean(), offsets, fc.nat(400), (sent, isClient, at, held) => {
      const expected = sent.map(({ message, isCompressed, frames }) =>
        message === 'ping'
          ? `control 9 ${frames[0]?.toString('hex')}`
          : `${message} ${isCompressed} ${Buffer.concat(frames).toString('hex')}`,
      );
      expect(messages(readAll(parser(isClient, held), write(sent, isClient), at))).toEqual(expected);
    });
    fc.assert(property, { numRuns });
  });

  it('frames that are written again as they were read give the same messages in the same frames', () => {
    const property = fc.property(conversation, offsets, fc.nat(400), (sent, at, held) => {
      const again = new FrameWriter(true);
      const events = readAll(parser(false, held), write(sent, false), at);
      const rewritten = events.flatMap((event) => {
        if (event.kind === 'fault') throw new Error(event.detail);
        return event.kind === 'control'
          ? again.control(event.opcode, event.payload)
          : again.part({ ...event, bytes: Buffer.from(event.bytes) });
      });
      const read = parser(true, 1e6).read(Buffer.concat(rewritten));
      expect(messages(read)).toEqual(messages(events));
      expect(read).toHaveLength(sent.reduce((total, { frames }) => total + frames.length, 0));
    });
    fc.assert(property, { numRuns });
  });

  it('any bytes in any chunks give the same faults and messages as all at once', () => {
    const octet = fc.oneof(
      fc.constantFrom(0x81, 0x01, 0x80, 0x82, 0x88, 0x89, 0xc1, 0, 1, 2, 126, 127, 0x83),
      fc.nat(255),
    );
    const property = fc.property(fc.array(octet, { maxLength: 60 }), offsets, fc.nat(20), (octets, at, held) => {
      const bytes = Buffer.from(octets);
      const cuts = at.map((offset) => offset % 60);
      const isFault = (found: unknown): boolean => String(found).startsWith('fault');
      const whole = messages(parser(false, held).read(Buffer.from(bytes)));
      const cut = messages(readAll(parser(false, held), bytes, cuts));
      expect(cut).toEqual(whole);
      expect(whole.slice(0, -1).some(isFault)).toBe(false);
    });
    fc.assert(property, { numRuns });
  });

  it('UTF-8 cut anywhere is UTF-8 exactly when it is whole', () => {
    const octet = fc.oneof(
      fc.constantFrom(0x41, 0x80, 0xbf, 0xc3, 0xa4, 0xe0, 0xed, 0xa0, 0xf0, 0x9f, 0xf4, 0x90),
      fc.nat(255),
    );
    const property = fc.property(
      fc.array(octet, { maxLength: 12 }),
      fc.array(fc.nat(12), { maxLength: 6 }),
      (octets, at) => {
        const check = new Utf8Check();
        const bytes = Buffer.from(octets);
        const isWhole =
          cutAt(bytes, at).every((piece) => check.push(piece, false)) && check.push(Buffer.alloc(0), true);
        expect(isWhole).toBe(isUtf8(bytes));
      },
    );
    fc.assert(property, { numRuns });
  });

  it('offers that were written are read as they were', () => {
    const bits = fc.integer({ min: 8, max: 15 });
    const offer = fc.record({
      serverNoContextTakeover: fc.boolean(),
      clientNoContextTakeover: fc.boolean(),
      serverMaxWindowBits: fc.option(bits, { nil: undefined }),
      clientMaxWindowBits: fc.option(fc.oneof(bits, fc.constant('any' as const)), { nil: undefined }),
    });
    const property = fc.property(fc.array(offer, { minLength: 1, maxLength: 4 }), (offers) => {
      expect(parseOffers(writeOffers(offers))).toEqual(offers);
    });
    fc.assert(property, { numRuns });
  });

  it('any extensions are read without an exception, and what is understood is written in one form', () => {
    const word = fc.constantFrom(
      'permessage-deflate',
      ';',
      ',',
      '=',
      ' ',
      '"',
      'server_max_window_bits',
      '10',
      'client_max_window_bits',
      'x',
      '\t',
    );
    const property = fc.property(fc.array(word, { maxLength: 14 }), (words) => {
      const offers = parseOffers(words.join(''));
      if (offers !== 'malformed' && offers.length > 0) expect(parseOffers(writeOffers(offers))).toEqual(offers);
    });
    fc.assert(property, { numRuns });
  });
});
