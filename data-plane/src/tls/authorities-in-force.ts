import { parseAuthority } from '@onecli/shared/certificates/authority';
import type { AuthorityRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import { authorityContext, clientAuthorityContext } from '@onecli/shared/seal-contexts';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, type SealContext } from '@onecli/shared/vault/seal';
import type { Logger } from 'pino';
import { LeafCache } from './leaf-cache.ts';
import type { ProxyPortTls } from './proxy-port-tls.ts';
import { RefusalLeaves } from './refusal-leaves.ts';

const maxRefusalLeaves = 100;

export interface AuthoritiesOptions {
  readonly keyring: Keyring;
  readonly maxLeaves: number;
  /** Agents get the refusal of a host inside the tunnel, and for that leaves of hosts that they may not reach. */
  readonly isRefusingInsideTunnel: boolean;
  /** 48 bytes. */
  readonly ticketKeys: Buffer;
  readonly proxyPortTls: ProxyPortTls;
  /** Authorities of the customer's own, PEM, one each, whose client certificates are trusted beside ours. */
  readonly clientRoots: readonly string[];
  readonly log: Logger;
}

/**
 * The authorities of the configuration in force: the one whose leaves are minted here, with its certificate to hand out, and
 * those whose client certificates are trusted.
 */
export class AuthoritiesInForce {
  leaves: LeafCache | undefined;
  refusalLeaves: RefusalLeaves | undefined;
  certificatePem: string | undefined;
  readonly #options: AuthoritiesOptions;
  #ids = '';

  constructor(options: AuthoritiesOptions) {
    this.#options = options;
  }

  /** Throws when the authority's key does not open: without it nothing can be intercepted. */
  use({ authority, clientAuthority }: Pick<Snapshot, 'authority' | 'clientAuthority'>): void {
    const ids = `${authority.id} ${clientAuthority?.id}`;
    if (ids === this.#ids) return;
    const { maxLeaves, ticketKeys, proxyPortTls, clientRoots, isRefusingInsideTunnel } = this.#options;
    const { certificatePem } = authority;
    const signing = { certificatePem, privateKeyPem: this.#openKey(authorityContext(authority.id), authority) };
    if (!this.#ids.startsWith(`${authority.id} `)) {
      this.leaves = new LeafCache(signing, { maxLeaves, ticketKeys });
      if (isRefusingInsideTunnel)
        this.refusalLeaves = new RefusalLeaves(new LeafCache(signing, { maxLeaves: maxRefusalLeaves, ticketKeys }));
    }
    proxyPortTls.use(signing, [...clientRoots, ...this.#trusted(clientAuthority)]);
    this.certificatePem = certificatePem;
    this.#ids = ids;
  }

  /** Its key proves that the certificate is the one that was stored: who altered the row could be any agent else. */
  #trusted(record: AuthorityRecord | undefined): string[] {
    if (!record) return [];
    const { certificatePem } = record;
    try {
      parseAuthority({ certificatePem, privateKeyPem: this.#openKey(clientAuthorityContext(record.id), record) });
      return [certificatePem];
    } catch (error) {
      this.#options.log.error({ err: error }, 'the authority for client certificates was altered: it is not trusted');
      return [];
    }
  }

  #openKey(context: SealContext, record: AuthorityRecord): string {
    return open(this.#options.keyring, context, record.sealedKey).toString('utf8');
  }
}
