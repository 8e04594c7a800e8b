import { Fault } from '@onecli/shared/fault';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DocumentKind } from './document-kind.ts';
import type { DocumentRow } from './document.entity.ts';
import { OpenedBodies } from './opened-bodies.ts';

/** The bodies of one kind of documents, which are sealed at rest. Those that were opened are kept for a while. */
export class DocumentBodies<Body extends object> {
  readonly #kind: Pick<DocumentKind<Body, object>, 'kind' | 'context'>;
  readonly #keyring: Keyring;
  readonly #opened = new OpenedBodies<Body>();

  constructor(kind: Pick<DocumentKind<Body, object>, 'kind' | 'context'>, keyring: Keyring) {
    this.#kind = kind;
    this.#keyring = keyring;
  }

  seal(id: string, version: number, body: Body): Buffer {
    return seal(this.#keyring, this.#kind.context(id, version), Buffer.from(JSON.stringify(body), 'utf8'));
  }

  /** @throws Fault INTERNAL for one that does not open */
  open(row: DocumentRow): Body {
    const { kind, context } = this.#kind;
    try {
      return this.#opened.of(row, () => open(this.#keyring, context(row.id, row.version), row.sealedBody));
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      throw new Fault('INTERNAL', `The ${kind} ${row.name} does not open: its row was altered`, { cause });
    }
  }
}
