import type { SealContext } from '@onecli/shared/vault/seal';
import type { EntityManager, EntitySchema } from 'typeorm';
import type { DocumentRow } from './document.entity.ts';

/** What every document shows beside its content. */
export interface DocumentView {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** The revision that last wrote it. */
  readonly revision: number;
  /** The source of configuration as code that made it; null when it was made by hand. */
  readonly managedBy: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What tells one kind of documents from another. */
export interface DocumentKind<Body extends object, Content extends object> {
  readonly kind: 'policy' | 'route';
  readonly entity: EntitySchema<DocumentRow>;
  /** What a body is sealed for. */
  readonly context: (id: string, version: number) => SealContext;
  /** Checks a whole document as a person writes it. @throws Fault INVALID with the field */
  readonly parse: (input: unknown) => { readonly name: string; readonly body: Body };
  /** The document of a body, as `parse` takes it. */
  readonly documentOf: (body: Body) => object;
  /** A body as admin events tell it, which lie in the clear: what lies so nowhere else, paths and templates, by a fingerprint. */
  readonly recorded: (body: Body, fingerprintOf: (part: unknown) => string) => object;
  /**
   * The environments that a body belongs to; `*` among them when a part of it belongs to all. Who does this with it needs the role
   * in each.
   */
  readonly environmentsOf: (body: Body, verb: DocumentVerb) => ReadonlySet<string>;
  /** Refuses a body that names what does not exist. @throws Fault INVALID with the field */
  readonly check: (manager: EntityManager, body: Body) => Promise<void>;
  /** What some bodies show beside their rows, in their order. */
  readonly contents: (manager: EntityManager, bodies: readonly Body[]) => Promise<Content[]>;
}

export type DocumentVerb = 'read' | 'create' | 'update' | 'delete';
