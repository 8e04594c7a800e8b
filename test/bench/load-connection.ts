import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { benchHost, type LoadOrder, placeholderHeader } from './workload.ts';

const headEnd = Buffer.from('\r\n\r\n');
const contentLength = /\r\ncontent-length: *(\d+)/i;
const chunked = /\r\ntransfer-encoding: *chunked/i;
/** How a chunked answer ends; the upstream's payload never looks like it. */
const lastChunk = Buffer.from('\r\n0\r\n\r\n');

/** One client connection that asks for one thing at a time and counts the answer's bytes. */
export class LoadConnection {
  readonly #order: LoadOrder;
  readonly #repeated: Buffer | undefined;
  #socket: Socket | undefined;
  #head: Buffer | undefined;
  #bodyBytesLeft = -1;
  /** The last bytes of a chunked answer so far. */
  #tail: Buffer | undefined;
  #settle: ((error?: Error) => void) | undefined;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#repeated = order.load.isEachDifferent ? undefined : requestFor(order, order.load.path);
  }

  /** Opens the connection: TCP, CONNECT when the engine is a proxy, TLS 1.3 with AES-128-GCM on every engine. */
  async open(): Promise<void> {
    const tcp = connectTcp({ host: '127.0.0.1', port: this.#order.port, noDelay: true });
    await once(tcp, 'connect');
    if (this.#order.entry === 'connect') await this.#openTunnel(tcp);
    const socket = connectTls({
      socket: tcp,
      servername: benchHost,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      ALPNProtocols: ['http/1.1'],
    });
    await once(socket, 'secureConnect');
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#finish(error));
    socket.on('close', () => this.#finish(new Error('closed in mid-answer')));
  }

  /** Sends one request and resolves when its answer is whole. @throws when it fails or is not a 200. */
  ask(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return Promise.reject(new Error('not connected'));
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
      socket.write(this.#repeated ?? requestFor(this.#order, `${this.#order.load.path}?n=${requests++}`));
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket?.destroy();
  }

  async #openTunnel(tcp: Socket): Promise<void> {
    const credentials = this.#order.proxyAuthorization;
    const authority = `${benchHost}:443`;
    tcp.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials ? `Proxy-Authorization: ${credentials}\r\n` : ''}\r\n`,
    );
    let head = '';
    const onData = (chunk: Buffer): void => void (head += chunk.toString('latin1'));
    tcp.on('data', onData);
    while (!head.includes('\r\n\r\n')) await once(tcp, 'data');
    tcp.off('data', onData);
    if (!head.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT: ${head.split('\r\n')[0]}`);
  }

  #take(chunk: Buffer): void {
    if (this.#bodyBytesLeft >= 0) return this.#count(chunk.length);
    if (this.#tail !== undefined) return this.#follow(chunk);
    const bytes = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      this.#head = bytes;
      return;
    }
    this.#head = undefined;
    const head = bytes.toString('latin1', 0, end);
    const length = contentLength.exec(head)?.[1];
    if (head.startsWith('HTTP/1.1 200') && chunked.test(head)) {
      this.#tail = headEnd;
      return this.#follow(bytes.subarray(end + headEnd.length));
    }
    if (!head.startsWith('HTTP/1.1 200') || length === undefined) {
      return this.#finish(new Error(`unexpected answer: ${head.split('\r\n')[0]}`));
    }
    this.#bodyBytesLeft = Number(length);
    this.#count(bytes.length - end - headEnd.length);
  }

  #count(byteCount: number): void {
    this.#bodyBytesLeft -= byteCount;
    if (this.#bodyBytesLeft > 0) return;
    const error = this.#bodyBytesLeft < 0 ? new Error('more bytes than announced') : undefined;
    this.#bodyBytesLeft = -1;
    this.#finish(error);
  }

  #follow(chunk: Buffer): void {
    const end = Buffer.concat([this.#tail ?? headEnd, chunk.subarray(-lastChunk.length)]).subarray(-lastChunk.length);
    this.#tail = end.equals(lastChunk) ? undefined : end;
    if (this.#tail === undefined) this.#finish();
  }

  #finish(error?: Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    if (error !== undefined) this.#socket?.destroy();
    settle?.(error);
  }
}

let requests = 0;

function requestFor({ authorization = placeholderHeader }: LoadOrder, target: string): Buffer {
  return Buffer.from(
    `GET ${target} HTTP/1.1\r\nHost: ${benchHost}\r\nUser-Agent: onecli-bench\r\nAccept: */*\r\nAuthorization: ${authorization}\r\n\r\n`,
  );
}
