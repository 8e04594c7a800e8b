import { X509Certificate } from 'node:crypto';
import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { Logger } from 'pino';
import type { CertificateIssuer } from '../identity/peer.ts';

interface KnownAuthority extends CertificateIssuer {
  readonly id: string;
  readonly certificate: X509Certificate;
  isWithdrawn: boolean;
}

/** OneCLI's own authorities for client certificates, as far as they are trusted. */
export class ClientAuthorities {
  readonly #keyring: Keyring;
  readonly #log: Logger;
  /** Those that were retired stay: connections that came in by their certificates have to be told apart. One a rotation. */
  readonly #known = new Map<string, KnownAuthority>();

  constructor(keyring: Keyring, log: Logger) {
    this.#keyring = keyring;
    this.#log = log;
  }

  /** Ids of those that are trusted now. */
  get ids(): string[] {
    return this.#trusted().map(({ id }) => id);
  }

  /** Their certificates, PEM. */
  get roots(): string[] {
    return this.#trusted().map(({ certificate }) => certificate.toString());
  }

  /** Trusts these alone from now on. What came in by another's certificates is not recognised any more. */
  use(records: readonly AuthorityRecord[]): void {
    const opened = records.flatMap((record) => this.#open(record));
    for (const known of this.#known.values()) known.isWithdrawn = true;
    for (const { id, certificate } of opened) {
      const known = this.#known.get(id);
      if (known?.certificate.fingerprint256 === certificate.fingerprint256) known.isWithdrawn = false;
      else this.#known.set(id, { id, certificate, isWithdrawn: false });
    }
  }

  /** Which of them a certificate is by, be it retired meanwhile; undefined for one of the customer's own authorities. */
  issuerOf(certificate: X509Certificate): CertificateIssuer | undefined {
    for (const known of this.#known.values()) if (certificate.checkIssued(known.certificate)) return known;
    return undefined;
  }

  #trusted(): KnownAuthority[] {
    return [...this.#known.values()].filter(({ isWithdrawn }) => !isWithdrawn);
  }

  /** Its key proves that the certificate is the one that was stored: who altered the row could be any agent else. */
  #open(record: AuthorityRecord): { readonly id: string; readonly certificate: X509Certificate }[] {
    try {
      const { certificatePem } = openAuthority('CLIENT', this.#keyring, record);
      return [{ id: record.id, certificate: new X509Certificate(certificatePem) }];
    } catch (error) {
      const fields = { err: error, authority: record.id };
      this.#log.error(fields, 'an authority for client certificates was altered: it is not trusted');
      return [];
    }
  }
}
