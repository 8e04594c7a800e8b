import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { requestBytes } from './raw-agent.ts';
import type { RawConnection, RawResponse } from './raw-connection.ts';
import type { RecordedRequest, Reply } from './upstream-connection.ts';
import { waitUntil } from './wait-until.ts';
import type { AuditItem, World } from './world.ts';

/** A key and what it has to be answered with. */
export const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
/** The fields of a handshake. */
export const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': key,
  'sec-websocket-version': '13',
};
export const deflateOffer = { 'sec-websocket-extensions': 'permessage-deflate' };

/** A 101; a field that is undefined is left out. */
export function switching(fields: Record<string, string | undefined> = {}): string {
  const all = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': accept, ...fields };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`;
}

/** A frame: its first byte, its payload, and whether it is masked. */
export function frame(first: number, payload: string | Buffer, isMasked: boolean): Buffer {
  const bytes = Buffer.from(payload as string);
  const bit = isMasked ? 0x80 : 0;
  const length =
    bytes.length < 126
      ? Buffer.from([bit | bytes.length])
      : Buffer.from([bit | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (bytes.length >>> shift) & 0xff)]);
  const short = bytes.length < 126 || bytes.length > 65535;
  const medium = Buffer.from([bit | 126, bytes.length >> 8, bytes.length & 0xff]);
  const maskKey = isMasked ? randomBytes(4) : Buffer.alloc(0);
  const masked = isMasked ? bytes.map((octet, at) => octet ^ (maskKey[at % 4] ?? 0)) : bytes;
  return Buffer.concat([Buffer.from([first]), short ? length : medium, maskKey, masked]);
}

/** A WebSocket whose both ends are worked by hand. */
export interface Opened {
  connection: RawConnection;
  answer: RawResponse;
  /** What came from the agent after the handshake, unmasked as it stands in one frame after another. */
  upstreamPayload(): string;
  agentBytes(): Buffer;
  /** The upstream's end. */
  reply: Reply;
  /** The WebSocket's one audit event, once it has ended. */
  event(): Promise<AuditItem>;
}

let serial = 0;

/** Opens a WebSocket by hand to a scripted upstream. `path` under /v1 is looked into, under /watched it is not. */
export async function openByHand(
  world: World,
  path = '/v1/ws',
  extra: Record<string, string> = {},
  answered = switching(),
): Promise<Opened> {
  serial += 1;
  const target = `${path}/${serial}`;
  const since = Date.now() - 1;
  let reply: Reply | undefined;
  world.upstream.reset(async (request: RecordedRequest, answer: Reply) => {
    if (request.target !== target) return answer.json(200, {});
    reply = answer;
    await answer.raw(answered);
    await new Promise((resolve) => answer.socket.once('close', resolve));
  });
  const connection = await world.tunnel();
  connection.send(requestBytes('GET', target, { ...handshake, ...extra }));
  const answer = await connection.readResponse();
  if (!reply) throw new Error(`the upstream was not asked: ${answer.text}`);
  const upstream = world.upstream.connections.at(-1);
  return {
    connection,
    answer,
    reply,
    agentBytes: () => connection.unread(),
    upstreamPayload: () => unmasked(upstream?.received() ?? Buffer.alloc(0)),
    event: async () => {
      const events = (await world.auditSince(since)).filter((item) => item.path === target);
      expect(events).toHaveLength(1);
      return events[0] as AuditItem;
    },
  };
}

/** The payloads of the masked frames that follow a request's head. */
function unmasked(bytes: Buffer): string {
  let at = bytes.indexOf('\r\n\r\n') + 4;
  let text = '';
  while (at + 6 <= bytes.length) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
    const maskAt = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    const payload = bytes.subarray(maskAt + 4, maskAt + 4 + length);
    const plain = payload.map((octet, index) => octet ^ (bytes[maskAt + (index % 4)] ?? 0));
    text += Buffer.from(plain).toString('latin1');
    at = maskAt + 4 + length;
  }
  return text;
}

/** The code of the Close frame that the agent got last. */
function closeCode(bytes: Buffer): number | undefined {
  const at = bytes.lastIndexOf(0x88);
  return at === -1 || at + 4 > bytes.length ? undefined : bytes.readUInt16BE(at + 2);
}

/** The agent is told by a Close, and the upstream is cut. */
export async function expectClose(opened: Opened, code: number): Promise<void> {
  await waitUntil(`a Close ${code}`, () => closeCode(opened.agentBytes()) !== undefined);
  expect(closeCode(opened.agentBytes())).toBe(code);
  await opened.connection.untilClosed();
  await waitUntil('the upstream is cut', () => opened.reply.socket.destroyed);
}
