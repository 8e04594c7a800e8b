/**
 * The TLS handshake with an agent inside its tunnel, in this process: the raw socket's handle is wrapped directly, no
 * inner listener and no stream in between. The first byte is looked at before TLS sees it, so that an agent which
 * speaks something else can still be answered in the clear.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

export interface InterceptOptions {
  readonly secureContext: SecureContext;
  /** From the call to the end of the handshake. */
  readonly handshakeTimeoutMs: number;
}

export type InterceptFailure = 'timeout' | 'alert' | 'handshake' | 'not-tls' | 'closed';

export type InterceptResult =
  | { readonly kind: 'secured'; readonly socket: TLSSocket; readonly serverName: string | undefined }
  | { readonly kind: 'failed'; readonly reason: InterceptFailure; readonly detail: string };

/** A server-side TLSSocket made without a tls.Server reports by these, and holds its errors back until released. */
interface ServerTlsSocket extends TLSSocket {
  servername: string | null;
  _releaseControl(): boolean;
  on(event: 'secure' | '_tlsError' | (string & {}), listener: (...args: never[]) => void): this;
  off(event: 'secure' | '_tlsError' | (string & {}), listener: (...args: never[]) => void): this;
}

const HANDSHAKE_RECORD = 0x16;

/**
 * Takes the tunnel's socket, paused and without data listeners, and `head`, the bytes that came with the CONNECT.
 * Gives the secured socket and the SNI that the agent sent, or why there is none:
 * - `not-tls`: the first byte is no handshake record. The socket is open and unread, and stays the caller's.
 * - `alert`: the agent ended the handshake; `detail` is the alert (RFC 8446 section 6) and says when it is one by
 *   which clients report a certificate authority that they do not trust.
 * - `handshake`: TLS refused what the agent sent (no common version, no http/1.1 in its ALPN offer); it got an alert.
 * - `timeout`, `closed`. In all of these but `not-tls` the socket is destroyed.
 * An ALPN offer without http/1.1 is answered with no_application_protocol (RFC 7301 section 3.2). Never rejects.
 */
export async function interceptTls(raw: Socket, head: Buffer, options: InterceptOptions): Promise<InterceptResult> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.handshakeTimeoutMs);
  const keepFaults = (): void => undefined;
  raw.on('error', keepFaults);
  try {
    const first = await firstByte(raw, head, deadline.signal);
    if (first === 'closed' || first === 'timeout') {
      raw.destroy();
      return failed(first, `before the first byte of the handshake`);
    }
    if (first !== HANDSHAKE_RECORD)
      return failed('not-tls', `the first byte is 0x${first.toString(16).padStart(2, '0')}`);
    return await handshake(raw, options.secureContext, deadline.signal);
  } finally {
    clearTimeout(timer);
    raw.off('error', keepFaults);
  }
}

function failed(reason: InterceptFailure, detail: string): InterceptResult {
  return { kind: 'failed', reason, detail };
}

/** Waits for a byte and puts all that was read back: the wrapped handle is fed from the socket's buffer first. */
function firstByte(raw: Socket, head: Buffer, deadline: AbortSignal): Promise<number | 'closed' | 'timeout'> {
  if (head.length > 0) raw.unshift(head);
  return new Promise((resolve) => {
    const settle = (result: number | 'closed' | 'timeout'): void => {
      raw.off('readable', look);
      raw.off('end', onClosed);
      raw.off('close', onClosed);
      deadline.removeEventListener('abort', onTimeout);
      resolve(result);
    };
    const onClosed = (): void => settle('closed');
    const onTimeout = (): void => settle('timeout');
    const look = (): void => {
      const chunk = raw.read() as Buffer | null;
      const byte = chunk?.[0];
      if (chunk === null || byte === undefined) return;
      raw.unshift(chunk);
      settle(byte);
    };
    if (raw.destroyed || raw.readableEnded) return settle('closed');
    raw.on('readable', look);
    raw.on('end', onClosed);
    raw.on('close', onClosed);
    deadline.addEventListener('abort', onTimeout);
    look();
  });
}

function handshake(raw: Socket, secureContext: SecureContext, deadline: AbortSignal): Promise<InterceptResult> {
  const socket = new TLSSocket(raw, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] }) as ServerTlsSocket;
  return new Promise((resolve) => {
    const settle = (result: InterceptResult): void => {
      socket.off('secure', onSecure);
      socket.off('_tlsError', onError);
      socket.off('error', onError);
      socket.off('close', onClosed);
      deadline.removeEventListener('abort', onTimeout);
      if (result.kind === 'failed') {
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    };
    const onSecure = (): void => {
      socket._releaseControl();
      settle({ kind: 'secured', socket, serverName: socket.servername || undefined });
    };
    const onError = (error: Error): void => settle(describeError(error));
    const onClosed = (): void => settle(failed('closed', 'during the handshake'));
    const onTimeout = (): void => settle(failed('timeout', 'during the handshake'));
    socket.on('secure', onSecure);
    socket.on('_tlsError', onError);
    socket.on('error', onError);
    socket.on('close', onClosed);
    deadline.addEventListener('abort', onTimeout);
  });
}

/** The alerts that clients send about a chain which leads to no authority that they trust. */
const UNTRUSTED_ALERTS = new Set(['unknown_ca', 'bad_certificate', 'certificate_unknown']);

/** Node names an alert received `ERR_SSL_<version>_ALERT_<name>`, and a fault found here by OpenSSL's reason. */
function describeError(error: Error & { code?: string }): InterceptResult {
  const code = error.code ?? error.message;
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_ALERT_(\w+)$/.exec(code)?.[1]?.toLowerCase();
  if (alert !== undefined) {
    const hint = UNTRUSTED_ALERTS.has(alert) ? ': the client does not trust the certificate authority of OneCLI' : '';
    return failed('alert', `${alert}${hint}`);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') return failed('closed', `during the handshake (${code})`);
  return failed('handshake', code);
}
