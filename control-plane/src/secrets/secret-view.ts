import type { Binding } from '@onecli/shared/domain/binding';
import { type EntityManager, In } from 'typeorm';
import { type SecretRow, SecretVersionEntity, type SecretVersionRow } from './secret.entity.ts';

/** A secret as it is shown. There is no field for its value. */
export interface SecretView {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Another text by which agents may hold it, in place of `onecli://…`. No secret. */
  readonly alias: string | null;
  /** Null: bound nowhere, never used. */
  readonly binding: Binding | null;
  readonly version: number;
  readonly versions: readonly number[];
  readonly isDisabled: boolean;
  /** From when on workers refuse it. */
  readonly expiresAt: Date | null;
  /** For how long a worker without the database uses it; null: without end. */
  readonly leaseSeconds: number | null;
  /** How many versions are kept; null: all. */
  readonly maxVersions: number | null;
  /** When the alias before this one dies; null when there is none. */
  readonly previousAliasUntil: Date | null;
  /** As the audit trail says, some seconds behind; null: never, or not since it was recorded. */
  readonly lastUsedAt: Date | null;
  /** Keyed: tells the current value from another, and nothing else about it. */
  readonly fingerprint: string;
  readonly valueSetAt: Date;
  /** The source of configuration as code that made it; null when it was made by hand. */
  readonly managedBy: string | null;
  /** The revision that last wrote it. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The views of some secrets, in their order; one query for all their versions. */
export async function viewSecrets(manager: EntityManager, rows: readonly SecretRow[]): Promise<SecretView[]> {
  if (rows.length === 0) return [];
  const versions = await manager.getRepository(SecretVersionEntity).find({
    select: { secretId: true, version: true, fingerprint: true, createdAt: true },
    where: { secretId: In(rows.map((row) => row.id)), isPending: false },
    order: { secretId: 'ASC', version: 'ASC' },
  });
  const bySecret = new Map<string, SecretVersionRow[]>();
  for (const version of versions) {
    const list = bySecret.get(version.secretId);
    if (list) list.push(version);
    else bySecret.set(version.secretId, [version]);
  }
  const lastUses = await lastUsesOf(manager, rows);
  return rows.map((row) => viewOf(row, bySecret.get(row.id) ?? [], lastUses.get(row.id) ?? null));
}

/** The view of one secret. */
export async function viewSecret(manager: EntityManager, row: SecretRow): Promise<SecretView> {
  const [view] = await viewSecrets(manager, [row]);
  if (view === undefined) throw new Error('A view was not made');
  return view;
}

async function lastUsesOf(manager: EntityManager, rows: readonly SecretRow[]): Promise<ReadonlyMap<string, Date>> {
  const uses = await manager.query<{ secret_id: string; last: Date }[]>(
    'SELECT secret_id, max(last_used_at) AS last FROM secret_use WHERE secret_id = ANY ($1::uuid[]) GROUP BY secret_id',
    [rows.map(({ id }) => id)],
  );
  return new Map(uses.map(({ secret_id: id, last }) => [id, last]));
}

/** The view of a secret whose versions are known. */
export function viewOf(
  row: SecretRow,
  versions: readonly Pick<SecretVersionRow, 'version' | 'fingerprint' | 'createdAt'>[],
  lastUsedAt: Date | null,
): SecretView {
  const current = versions.find((version) => version.version === row.currentVersion);
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    alias: row.alias,
    binding: row.binding.hosts.length === 0 ? null : row.binding,
    version: row.currentVersion,
    versions: versions.map((version) => version.version),
    isDisabled: row.isDisabled,
    expiresAt: row.expiresAt,
    leaseSeconds: row.leaseSeconds,
    maxVersions: row.maxVersions,
    previousAliasUntil: row.previousAliasUntil,
    lastUsedAt,
    managedBy: row.managedBy,
    fingerprint: current?.fingerprint ?? '',
    valueSetAt: current?.createdAt ?? row.updatedAt,
    revision: row.revision,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
