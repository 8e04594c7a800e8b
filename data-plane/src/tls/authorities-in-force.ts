import type { SigningAuthority } from '@onecli/shared/certificates/authority';
import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { Logger } from 'pino';
import { ClientAuthorities } from './client-authorities.ts';
import { LeafCache } from './leaf-cache.ts';
import type { ProxyPortTls } from './proxy-port-tls.ts';
import type { SharedTicketKeys } from './ticket-keys.ts';
import { RefusalLeaves } from './refusal-leaves.ts';

const maxRefusalLeaves = 100;

export interface AuthoritiesOptions {
  readonly keyring: Keyring;
  readonly maxLeaves: number;
  /** Agents get the refusal of a host inside the tunnel, and for that leaves of hosts that they may not reach. */
  readonly isRefusingInsideTunnel: boolean;
  readonly ticketKeys: SharedTicketKeys;
  readonly proxyPortTls: ProxyPortTls;
  /** Authorities of the customer's own, PEM, one each, whose client certificates are trusted beside ours. */
  readonly clientRoots: readonly string[];
  readonly log: Logger;
}

type Authorities = Pick<Snapshot, 'authority' | 'otherAuthorities' | 'clientAuthorities'>;

/**
 * The authorities of the configuration in force: the one whose leaves are minted here, those that agents are to trust, to hand
 * out, and those whose client certificates are trusted.
 */
export class AuthoritiesInForce {
  leaves: LeafCache | undefined;
  refusalLeaves: RefusalLeaves | undefined;
  bundlePem: string | undefined;
  /** Of what this worker has opened: the authority that signs, others that it hands out, those of clients that it trusts. */
  ids: readonly string[] = [];
  readonly clients: ClientAuthorities;
  readonly #options: AuthoritiesOptions;
  #signing: { readonly id: string; readonly authority: SigningAuthority } | undefined;
  #used = '';

  constructor(options: AuthoritiesOptions) {
    this.#options = options;
    this.clients = new ClientAuthorities(options.keyring, options.log);
  }

  /** Throws when the key of the authority that signs does not open: without it nothing can be intercepted. */
  use({ authority, otherAuthorities, clientAuthorities }: Authorities): void {
    const used = [authority, ...otherAuthorities, undefined, ...clientAuthorities].map((one) => one?.id).join(' ');
    if (used === this.#used) return;
    const { keyring, proxyPortTls, clientRoots } = this.#options;
    const signing =
      this.#signing?.id === authority.id ? this.#signing.authority : openAuthority('GATEWAY', keyring, authority);
    const published = this.#published(otherAuthorities);
    if (this.#signing?.id !== authority.id) this.#signWith(authority.id, signing);
    this.clients.use(clientAuthorities);
    proxyPortTls.use(signing, [...clientRoots, ...this.clients.roots]);
    // Two intermediates may have one root.
    this.bundlePem = [...new Set([signing.trustPem, ...published.map(({ trustPem }) => trustPem)])].join('');
    this.ids = [authority.id, ...published.map(({ id }) => id), ...this.clients.ids];
    this.#used = used;
  }

  /** Leaves of the authority before are for connections that have begun; others get new ones, and no agent is charged for those. */
  #signWith(id: string, authority: SigningAuthority): void {
    const { maxLeaves, ticketKeys, isRefusingInsideTunnel } = this.#options;
    this.leaves = new LeafCache(authority, { maxLeaves, ticketKeys, knownHosts: this.leaves?.hosts() ?? [] });
    if (isRefusingInsideTunnel)
      this.refusalLeaves = new RefusalLeaves(new LeafCache(authority, { maxLeaves: maxRefusalLeaves, ticketKeys }));
    this.#signing = { id, authority };
  }

  /** Agents would trust whatever is handed out: what was altered is not, and this worker does not say that it has it. */
  #published(records: readonly AuthorityRecord[]): { readonly id: string; readonly trustPem: string }[] {
    return records.flatMap((record) => {
      try {
        return [{ id: record.id, trustPem: openAuthority('GATEWAY', this.#options.keyring, record).trustPem }];
      } catch (error) {
        const fields = { err: error, authority: record.id };
        this.#options.log.error(fields, 'an authority was altered: it is not handed out, and cannot become active');
        return [];
      }
    });
  }
}
