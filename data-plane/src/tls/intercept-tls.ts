/**
 * The TLS handshake with an agent inside its tunnel, in this process: the raw socket's handle is wrapped directly, no
 * inner listener and no stream in between. The ClientHello is looked at before TLS sees it: for its SNI, and so that an
 * agent which speaks something else can still be answered in the clear.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { readClientHello } from './client-hello.ts';

/** What is spoken inside, by its ALPN name. */
export type Protocol = 'http/1.1' | 'h2';

export interface InterceptOptions {
  readonly secureContext: SecureContext | ((serverName: string | undefined) => SecureContext | undefined);
  /** Ask for a client certificate. Whatever comes, or nothing, is the caller's to judge. */
  readonly asksForCertificate?: boolean;
  /** What is chosen from, the first that the peer offers too; HTTP/1.1 alone when nothing is said. A peer that offers none speaks that. */
  readonly protocols?: readonly Protocol[];
  /** From the call to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
}

export type InterceptFailure = 'timeout' | 'alert' | 'handshake' | 'not-tls' | 'closed';

export type InterceptResult =
  | {
      readonly kind: 'secured';
      readonly socket: TLSSocket;
      readonly serverName: string | undefined;
      readonly protocol: Protocol;
    }
  | { readonly kind: 'failed'; readonly reason: InterceptFailure; readonly detail: string };

/** A server-side TLSSocket made without a tls.Server reports by these, and holds its errors back until released. */
interface ServerTlsSocket extends TLSSocket {
  servername: string | null;
  /** What is built on the socket waits while it is set. */
  secureConnecting: boolean;
  _releaseControl(): boolean;
  on(event: 'secure' | '_tlsError' | (string & {}), listener: (...args: never[]) => void): this;
  off(event: 'secure' | '_tlsError' | (string & {}), listener: (...args: never[]) => void): this;
}

const HANDSHAKE_RECORD = 0x16;
/** A fatal alert record, decode_error (RFC 8446 section 6.2). */
const DECODE_ERROR = Buffer.from([21, 3, 3, 0, 2, 2, 50]);

/**
 * Takes the tunnel's socket, paused and without data listeners, and `head`, the bytes that came with the CONNECT.
 * Gives the secured socket and the SNI that the agent sent, as it was sent, or why there is none:
 * - `not-tls`: the first byte is no handshake record. The socket is open and unread, and stays the caller's.
 * - `alert`: the agent ended the handshake; `detail` is the alert (RFC 8446 section 6) and says when it is one by
 *   which clients report a certificate authority that they do not trust.
 * - `handshake`: what the agent sent is refused (malformed, no common version, none of the protocols in its ALPN offer); it got
 *   an alert.
 * - `timeout`, `closed`. In all of these but `not-tls` the socket is destroyed.
 * An ALPN offer without any of the protocols is answered with no_application_protocol (RFC 7301 section 3.2). Never rejects.
 */
export async function interceptTls(raw: Socket, head: Buffer, options: InterceptOptions): Promise<InterceptResult> {
  const deadline = new HandshakeDeadline(options.handshakeTimeoutMs);
  raw.on('error', ignoreFault);
  try {
    if (head.length > 0) raw.unshift(head);
    const opening = await awaitOpening(raw, deadline);
    if (opening.kind === 'hello') return await handshake(raw, opening.serverName, options, deadline);
    if (opening.reason === 'not-tls') raw.off('error', ignoreFault);
    else if (opening.reason === 'handshake') raw.end(DECODE_ERROR, () => raw.destroy());
    else raw.destroy();
    return opening;
  } finally {
    deadline.clear();
  }
}

/** Tells whoever waits, one at a time, that the time is up. */
class HandshakeDeadline {
  onExpired: (() => void) | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.onExpired?.(), ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** A fault of the raw socket ends it, and its end is what is waited for. */
function ignoreFault(): void {}

type Failed = Extract<InterceptResult, { kind: 'failed' }>;
type Opening = { readonly kind: 'hello'; readonly serverName: string | undefined } | Failed;

function failed(reason: InterceptFailure, detail: string): Failed {
  return { kind: 'failed', reason, detail };
}

/** Waits for a whole ClientHello and puts all that was read back: the wrapped handle is fed from the buffer first. */
function awaitOpening(raw: Socket, deadline: HandshakeDeadline): Promise<Opening> {
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  let neededBytes = 1;
  return new Promise((resolve) => {
    const settle = (opening: Opening): void => {
      raw.off('readable', look);
      raw.off('end', onClosed);
      raw.off('close', onClosed);
      deadline.onExpired = undefined;
      resolve(opening);
    };
    const onClosed = (): void => settle(failed('closed', 'before the ClientHello was complete'));
    const onTimeout = (): void => settle(failed('timeout', 'before the ClientHello was complete'));
    const look = (): void => {
      const chunk = raw.read() as Buffer | null;
      if (chunk === null) return;
      chunks.push(chunk);
      receivedBytes += chunk.length;
      if (receivedBytes < neededBytes) return;
      const received = Buffer.concat(chunks);
      const opening = readOpening(received);
      if (typeof opening === 'number') {
        neededBytes = opening;
        return;
      }
      raw.unshift(received);
      settle(opening);
    };
    if (raw.destroyed || raw.readableEnded) return onClosed();
    raw.on('readable', look);
    raw.on('end', onClosed);
    raw.on('close', onClosed);
    deadline.onExpired = onTimeout;
    look();
  });
}

/** What the received bytes begin with, or how many are needed to tell. */
function readOpening(received: Buffer): Opening | number {
  const first = received[0] ?? 0;
  if (first !== HANDSHAKE_RECORD)
    return failed('not-tls', `the first byte is 0x${first.toString(16).padStart(2, '0')}`);
  const hello = readClientHello(received);
  switch (hello.kind) {
    case 'incomplete':
      return hello.neededBytes;
    case 'malformed':
      return failed('handshake', hello.detail);
    case 'hello':
      return hello;
  }
}

function handshake(
  raw: Socket,
  serverName: string | undefined,
  options: InterceptOptions,
  deadline: HandshakeDeadline,
): Promise<InterceptResult> {
  const { secureContext: given, asksForCertificate = false, protocols = ['http/1.1'] } = options;
  const secureContext = typeof given === 'function' ? given(serverName) : given;
  if (!secureContext) {
    raw.destroy();
    return Promise.resolve(failed('handshake', 'there is no certificate for this server now'));
  }
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext,
    ALPNProtocols: [...protocols],
    requestCert: asksForCertificate,
    rejectUnauthorized: false,
  }) as ServerTlsSocket;
  return new Promise((resolve) => {
    const settle = (result: InterceptResult): void => {
      socket.off('secure', onSecure);
      socket.off('_tlsError', onError);
      socket.off('error', onError);
      socket.off('end', onClosed);
      socket.off('close', onClosed);
      deadline.onExpired = undefined;
      if (result.kind === 'failed') {
        // A late fault of a socket that is given up has nobody to go to.
        socket.on('error', ignoreFault);
        socket.destroy();
      }
      resolve(result);
    };
    const onSecure = (): void => {
      // After a HelloRetryRequest there is a second ClientHello, which must repeat the name (RFC 8446 section 4.1.2).
      if (socket.servername && socket.servername !== serverName) {
        return settle(failed('handshake', 'the second ClientHello names another server'));
      }
      socket._releaseControl();
      socket.secureConnecting = false;
      settle({ kind: 'secured', socket, serverName, protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1' });
    };
    const onError = (error: Error): void => settle(describeError(error));
    const onClosed = (): void => settle(failed('closed', 'during the handshake'));
    const onTimeout = (): void => settle(failed('timeout', 'during the handshake'));
    socket.on('secure', onSecure);
    socket.on('_tlsError', onError);
    socket.on('error', onError);
    // The tunnel may be half-open, and then an agent's end closes nothing by itself.
    socket.on('end', onClosed);
    socket.on('close', onClosed);
    deadline.onExpired = onTimeout;
  });
}

/** The alerts that clients send about a chain which leads to no authority that they trust. */
const UNTRUSTED_ALERTS = new Set(['unknown_ca', 'bad_certificate', 'certificate_unknown']);

/** Node names an alert received `ERR_SSL_<version>_ALERT_<name>`, and a fault found here by OpenSSL's reason. */
function describeError(error: Error & { code?: string }): Failed {
  const code = error.code ?? error.message;
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_ALERT_(\w+)$/.exec(code)?.[1]?.toLowerCase();
  if (alert !== undefined) {
    const hint = UNTRUSTED_ALERTS.has(alert) ? ': the client does not trust the certificate authority of OneCLI' : '';
    return failed('alert', `${alert}${hint}`);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') return failed('closed', `during the handshake (${code})`);
  return failed('handshake', code);
}
