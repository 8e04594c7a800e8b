/** TLS on the proxy port itself: our certificate for the name that the client dials, and the client's, if it has one. */
import type { SecureContext } from 'node:tls';
import type { SigningAuthority } from '@onecli/shared/certificates/authority';
import { LeafCache } from './leaf-cache.ts';
import type { SharedTicketKeys } from './ticket-keys.ts';

/** Names and local addresses at once. */
const maxNames = 1000;

export interface ProxyPortTlsOptions {
  /** Canonical names that clients may know this gateway by. Nobody gets a certificate for another: they are minted unasked who it is. */
  readonly names: readonly string[];
  readonly ticketKeys: SharedTicketKeys;
}

/** Server contexts of the proxy port, for the authorities in force. */
export class ProxyPortTls {
  readonly #names: ReadonlySet<string>;
  readonly #ticketKeys: SharedTicketKeys;
  #leaves: LeafCache | undefined;
  #clientRoots: readonly string[] = [];

  constructor(options: ProxyPortTlsOptions) {
    this.#names = new Set(options.names);
    this.#ticketKeys = options.ticketKeys;
  }

  /** True when clients are asked for a certificate. */
  get asksForCertificate(): boolean {
    return this.#clientRoots.length > 0;
  }

  /** Changes the authorities: ours, and those whose client certificates are trusted (PEM, one each). */
  use(authority: SigningAuthority, clientRoots: readonly string[]): void {
    const trusted = { roots: clientRoots };
    this.#leaves = new LeafCache(authority, { maxLeaves: maxNames, ticketKeys: this.#ticketKeys, clients: trusted });
    this.#clientRoots = clientRoots;
  }

  /**
   * The context for a connection: for the server name that the client sent, or the local address that it dialled. A client
   * that asks for another name gets the address's, and tells its user that they differ. Undefined while there is no
   * authority that can issue, and where its name constraints leave the name out.
   */
  secureContextFor(serverName: string | undefined, localAddress: string): SecureContext | undefined {
    const name = serverName?.toLowerCase().replace(/\.$/, '');
    const wanted = name !== undefined && this.#names.has(name) ? name : localAddress;
    return this.#leaves?.permits(wanted) === true ? this.#leaves.secureContextFor(wanted) : undefined;
  }
}
