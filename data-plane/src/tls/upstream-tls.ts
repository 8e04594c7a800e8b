/** TLS towards upstreams: one prebuilt context for all of them, and sessions to resume by origin. */
import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
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
   * Options for `tls.connect`, to be joined with the checked address to dial. The certificate is verified for
   * `origin.host`, whatever is dialled. The origin chooses among `protocols`.
   */
  connectionOptions(origin: Origin, protocols: readonly Protocol[] = ['http/1.1']): ConnectionOptions {
    const session = this.#sessions.get(originKey(origin));
    return {
      secureContext: this.#secureContext,
      checkServerIdentity: (_, certificate) => checkServerIdentity(origin.host, certificate),
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
