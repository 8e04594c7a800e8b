/**
 * Reads the SNI from a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3). TLS itself cannot be asked: OpenSSL
 * reports no name, or that of the first session, when a TLS 1.2 session is resumed.
 */

export type ClientHello =
  /** At least `neededBytes` in all are wanted before it is worth looking again. */
  | { readonly kind: 'incomplete'; readonly neededBytes: number }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'hello'; readonly serverName: string | undefined };

/** What is longer is refused; the hellos of browsers with post-quantum key shares take about 2 KB. */
export const MAX_CLIENT_HELLO_BYTES = 16_384;

const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;

class Malformed extends Error {}

/** Reads `bytes` from the first record on. A name is given as sent, in ASCII; canonicalise it before comparing. */
export function readClientHello(bytes: Buffer): ClientHello {
  try {
    const gathered = gatherHandshake(bytes);
    if (!Buffer.isBuffer(gathered)) return gathered;
    return { kind: 'hello', serverName: serverNameOf(new Reader(gathered)) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', detail: error.message };
    throw error;
  }
}

/** The body of the first handshake message, which may be spread over several records. */
function gatherHandshake(bytes: Buffer): Buffer | Extract<ClientHello, { kind: 'incomplete' }> {
  const fragments: Buffer[] = [];
  let gathered = 0;
  let messageBytes: number | undefined;
  let offset = 0;
  while (messageBytes === undefined || gathered < messageBytes) {
    if (offset > MAX_CLIENT_HELLO_BYTES) throw new Malformed('the ClientHello is too long');
    const bodyAt = offset + RECORD_HEADER_BYTES;
    if (bytes.length < bodyAt) return { kind: 'incomplete', neededBytes: bodyAt };
    const length = bytes.readUInt16BE(offset + 3);
    if (bytes[offset] !== HANDSHAKE_RECORD || bytes[offset + 1] !== 3) throw new Malformed('not a handshake record');
    if (length === 0 || length > MAX_CLIENT_HELLO_BYTES) throw new Malformed('the length of a record is out of bounds');
    offset = bodyAt + length;
    if (bytes.length < offset) return { kind: 'incomplete', neededBytes: offset };
    fragments.push(bytes.subarray(bodyAt, offset));
    gathered += length;
    // Put together at most twice, for a hostile hello may come in thousands of records.
    if (gathered >= HANDSHAKE_HEADER_BYTES) messageBytes ??= messageLength(Buffer.concat(fragments));
  }
  return Buffer.concat(fragments).subarray(HANDSHAKE_HEADER_BYTES, messageBytes);
}

/** The length of a ClientHello with its header, which is all that `start` need contain. */
function messageLength(start: Buffer): number {
  if (start[0] !== CLIENT_HELLO) throw new Malformed('the first handshake message is no ClientHello');
  const bodyBytes = start.readUIntBE(1, 3);
  if (bodyBytes > MAX_CLIENT_HELLO_BYTES) throw new Malformed('the ClientHello is too long');
  return HANDSHAKE_HEADER_BYTES + bodyBytes;
}

function serverNameOf(hello: Reader): string | undefined {
  hello.skip(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  if (hello.isAtEnd) return undefined;
  const extensions = hello.vector(2);
  let name: string | undefined;
  while (!extensions.isAtEnd) {
    const type = extensions.uint(2);
    const body = extensions.vector(2);
    if (type !== SERVER_NAME_EXTENSION) continue;
    if (name !== undefined) throw new Malformed('the server_name extension stands twice');
    name = hostNameOf(body);
  }
  return name;
}

function hostNameOf(extension: Reader): string {
  const list = extension.vector(2);
  const type = list.uint(1);
  const name = list.vector(2).rest().toString('latin1');
  if (type !== HOST_NAME || !list.isAtEnd || !extension.isAtEnd)
    throw new Malformed('server_name is not one host name');
  if (!/^[\x21-\x7e]{1,255}$/.test(name)) throw new Malformed('server_name is not printable ASCII');
  return name;
}

/** A cursor over TLS presentation language (RFC 8446 section 3). Reading past the end is malformed. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new Malformed('the ClientHello is cut short');
    this.#at += count;
  }

  uint(byteLength: 1 | 2): number {
    this.skip(byteLength);
    return this.#bytes.readUIntBE(this.#at - byteLength, byteLength);
  }

  /** A vector whose length stands before it in `byteLength` bytes. */
  vector(byteLength: 1 | 2): Reader {
    const length = this.uint(byteLength);
    this.skip(length);
    return new Reader(this.#bytes.subarray(this.#at - length, this.#at));
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
