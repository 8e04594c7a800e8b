import { LRUCache } from 'lru-cache';
import type { DocumentRow } from './document.entity.ts';

/** Of what is sealed; opened it takes a few times as much. */
const maxBytes = 8 * 1024 * 1024;

interface Opened<Body> {
  readonly version: number;
  readonly sealedBody: Buffer;
  readonly body: Body;
}

/**
 * Bodies of documents that were opened lately. A row is taken for one that was opened before when it has the same id, version and
 * sealed bytes, of which what is opened follows: one that was written meanwhile, sealed anew, or altered is opened again.
 */
export class OpenedBodies<Body extends object> {
  readonly #kept: LRUCache<string, Opened<Body>>;

  constructor(limitBytes = maxBytes) {
    this.#kept = new LRUCache({ maxSize: limitBytes, sizeCalculation: ({ sealedBody }) => sealedBody.length + 1 });
  }

  /** The body of a row; nobody can change it. @throws what `open` throws */
  of({ id, version, sealedBody }: Pick<DocumentRow, 'id' | 'version' | 'sealedBody'>, open: () => Buffer): Body {
    const known = this.#kept.get(id);
    if (known?.version === version && known.sealedBody.equals(sealedBody)) return known.body;
    const body = JSON.parse(open().toString('utf8'), frozen) as Body;
    this.#kept.set(id, { version, sealedBody, body });
    return body;
  }
}

function frozen(_key: string, value: unknown): unknown {
  return Object.freeze(value);
}
