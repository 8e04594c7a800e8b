/** TLS towards upstreams: one prebuilt context for all of them, and sessions to resume by origin. */
import { constants, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { Protocol } from './intercept-tls.ts';

export interface Origin {
  /** The canonical name, or IP literal without brackets, that the certificate must be for. */
  readonly host: string;
  readonly port: number;
}

export interface UpstreamTlsOptions {
  /** The content of a PEM file with further roots, beside those that Node brings. */
  readonly extraRootsPem?: string;
  /** Sessions kept, one for each origin (about 2 KB); the least recently used is dropped. */
  readonly maxSessions?: number;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * The certificates of a PEM file, each as a PEM block. Text between blocks is ignored. Throws TypeError that names the
 * block when one is not a certificate, or when there is none: Node itself would pass over both in silence.
 */
export function parseRoots(pem: string): string[] {
  const roots = [...pem.matchAll(PEM_BLOCK)].map(([block], index) => {
    try {
      return new X509Certificate(block).toString();
    } catch (cause) {
      throw new TypeError(`PEM block ${index + 1} is not a certificate`, { cause });
    }
  });
  if (roots.length === 0) throw new TypeError('there is no certificate in the PEM text');
  return roots;
}

/**
 * The context for every upstream: the roots bundled with Node (Mozilla's) and the extra ones, TLS 1.2 or newer. The
 * system's own store is left out, so that a worker trusts the same authorities on every machine.
 * Throws TypeError when the extra roots are not certificates.
 */
export function createUpstreamContext(extraRootsPem?: string): SecureContext {
  const extra = extraRootsPem === undefined ? [] : parseRoots(extraRootsPem);
  return createSecureContext({
    ca: [...rootCertificates, ...extra],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  });
}

/** Gives the options to connect to an origin with, and remembers the sessions that it offers. */
export class UpstreamTls {
  readonly #secureContext: SecureContext;
  readonly #sessions: LRUCache<string, Buffer>;

  /** Throws TypeError when the extra roots are not certificates. */
  constructor(options: UpstreamTlsOptions = {}) {
    this.#secureContext = createUpstreamContext(options.extraRootsPem);
    this.#sessions = new LRUCache({ max: options.maxSessions ?? 1_000 });
  }

  /**
   * Options for `tls.connect`, to be joined with `socket`, already connected to a checked address. The certificate is
   * verified for `origin.host`, whatever address was dialled. The origin chooses among `protocols`.
   */
  connectionOptions(origin: Origin, protocols: readonly Protocol[] = ['http/1.1']): ConnectionOptions {
    const session = this.#sessions.get(originKey(origin));
    return {
      secureContext: this.#secureContext,
      host: origin.host,
      // An IP literal is no server name (RFC 6066 section 3); it is still what the certificate is checked for.
      ...(isIP(origin.host) === 0 ? { servername: origin.host } : {}),
      ALPNProtocols: [...protocols],
      rejectUnauthorized: true,
      ...(session ? { session } : {}),
    };
  }

  /**
   * Keeps the latest session of a socket that was just made by `tls.connect`, once its certificate is verified: a
   * resumed connection does not verify it again, so that a session is only ever used for the origin that earned it.
   */
  rememberSessions(socket: TLSSocket, origin: Origin): void {
    socket.on('session', (session) => {
      if (socket.authorized) this.#sessions.set(originKey(origin), session);
    });
  }

  /** Forgets the session of an origin, after a handshake with it has failed. */
  forgetSession(origin: Origin): void {
    this.#sessions.delete(originKey(origin));
  }
}

function originKey({ host, port }: Origin): string {
  return `${host} ${port}`;
}
