import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import ipaddr from 'ipaddr.js';

/** Addresses of a name and the seconds that they hold. */
export type Zone = Record<string, readonly { readonly address: string; readonly ttl: number }[]>;

const typeA = 1;
const typeAaaa = 28;
const nameError = 3;

/** A name server on a UDP port of 127.0.0.1 that answers A and AAAA questions from a zone (RFC 1035 section 4). */
export class DnsServer {
  /** Names in the order in which they were asked for, one for each question. */
  readonly asked: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket, zone: Zone) {
    this.#socket = socket;
    socket.on('message', (query, { port, address }) => socket.send(this.#answer(query, zone), port, address));
  }

  static async start(zone: Zone): Promise<DnsServer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket, zone);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(query: Buffer, zone: Zone): Buffer {
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    this.asked.push(name);
    const family = type === typeA ? 'ipv4' : type === typeAaaa ? 'ipv6' : undefined;
    const records = (zone[name] ?? []).filter(({ address }) => ipaddr.parse(address).kind() === family);
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180 | (zone[name] ? 0 : nameError), 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, query.subarray(12, end + 4), ...records.map((record) => encode(record, type))]);
  }
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function encode({ address, ttl }: { address: string; ttl: number }, type: number): Buffer {
  const bytes = ipaddr.parse(address).toByteArray();
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttl, 6);
  record.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([record, Buffer.from(bytes)]);
}
