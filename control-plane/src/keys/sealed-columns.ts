import type { Binding } from '@onecli/shared/domain/binding';
import {
  approvalContext,
  agentIdentitiesContext,
  authorityContext,
  clientAuthorityContext,
  policyContext,
  rotationContext,
  routeContext,
  secretKeyIdContext,
  secretVersionContext,
} from '@onecli/shared/seal-contexts';
import type { SealContext } from '@onecli/shared/vault/seal';

/** A sealed value in its row. */
export interface SealedRow {
  readonly id: string;
  /** 1 where rows have no version. */
  readonly version: number;
  readonly sealed: Buffer;
  /** Of a secret's versions only. */
  readonly binding: Binding | null;
}

/** A column of values that `vault/seal` made, and how its rows are found and what each is bound to. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The column of the row's id, and that of its version where it has one. */
  readonly id: string;
  readonly version?: string;
  /** A table that the context is read from, locked with the row. */
  readonly join?: { readonly sql: string; readonly alias: string; readonly binding: string };
  readonly contextOf: (row: SealedRow) => SealContext;
}

/**
 * Every column that carries a key term and is moved to the next one. A new sealed column belongs here: a test compares this
 * list with the schema. `audit_event.sealed_detail`, `audit_intent.sealed_line` and `audit_block.sealed_lines` are not moved: see
 * docs/decisions/key-terms.md.
 */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'secret_version',
    column: 'sealed',
    id: 'secret_id',
    version: 'version',
    join: { sql: 'JOIN secret s ON s.id = t.secret_id', alias: 's', binding: 's.binding' },
    contextOf: ({ id, version, binding }) => secretVersionContext(id, version, binding ?? { hosts: [], surfaces: [] }),
  },
  {
    table: 'secret_version',
    column: 'sealed_key_id',
    id: 'secret_id',
    version: 'version',
    contextOf: ({ id, version }) => secretKeyIdContext(id, version),
  },
  {
    table: 'rotation',
    column: 'sealed_body',
    id: 'id',
    version: 'version',
    contextOf: ({ id, version }) => rotationContext(id, version),
  },
  {
    table: 'policy',
    column: 'sealed_body',
    id: 'id',
    version: 'version',
    contextOf: ({ id, version }) => policyContext(id, version),
  },
  {
    table: 'route',
    column: 'sealed_body',
    id: 'id',
    version: 'version',
    contextOf: ({ id, version }) => routeContext(id, version),
  },
  { table: 'approval', column: 'sealed_body', id: 'id', contextOf: ({ id }) => approvalContext(id) },
  { table: 'agent', column: 'sealed_identities', id: 'id', contextOf: ({ id }) => agentIdentitiesContext(id) },
  { table: 'certificate_authority', column: 'sealed_key', id: 'id', contextOf: ({ id }) => authorityContext(id) },
  { table: 'client_authority', column: 'sealed_key', id: 'id', contextOf: ({ id }) => clientAuthorityContext(id) },
];
