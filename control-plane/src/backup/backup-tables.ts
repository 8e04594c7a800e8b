import type { EntityManager } from 'typeorm';

/**
 * What is in no backup: what processes report of themselves, what they sign in to this
 * server as, what only lasts while somebody is signed in or invited, or has approved something, what is counted anew, the record of changes for
 * workers (they read all anew), and what the restored schema says of itself. Every other table is in it, also one that is new.
 */
const left = new Set([
  'schema_migration',
  'worker',
  'worker_role',
  'control_plane',
  'config_change',
  'session',
  'user_session',
  'user_link',
  'destroyed_value',
  'audit_early_batch',
  'audit_sink',
  'traffic',
  'traffic_place',
  'approval',
  'audit_order',
]);

/** Events: in a backup only when they are asked for. */
const auditTables = new Set([
  'audit_event',
  'audit_boot',
  'audit_intent',
  'admin_event',
  'audit_tree',
  'audit_block',
  'audit_node',
  'audit_checkpoint',
  'audit_chain_fault',
]);

/** Whether a table is in no backup. Those of earlier releases may have it. */
export function isLeftOut(table: string): boolean {
  return left.has(table);
}

/** The tables of a backup, each after those that it refers to. Partitions come with their table. */
export async function backupTables(
  manager: EntityManager,
  { hasAudit }: { readonly hasAudit: boolean },
): Promise<string[]> {
  const rows = await manager.query<{ name: string; refers_to: string[] }[]>(
    `SELECT c.relname AS name, coalesce(array_agg(r.relname::text) FILTER (WHERE r.relname IS NOT NULL), '{}') AS refers_to
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid
     LEFT JOIN pg_class r ON r.oid = f.confrelid
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     GROUP BY c.relname ORDER BY c.relname`,
  );
  const wanted = rows.filter(({ name }) => !left.has(name) && (hasAudit || !auditTables.has(name)));
  return inOrder(new Map(wanted.map(({ name, refers_to }) => [name, refers_to])));
}

function inOrder(references: ReadonlyMap<string, readonly string[]>): string[] {
  const ordered = new Set<string>();
  const place = (name: string): void => {
    if (ordered.has(name)) return;
    for (const other of references.get(name) ?? []) if (references.has(other)) place(other);
    ordered.add(name);
  };
  for (const name of references.keys()) place(name);
  return [...ordered];
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Names of the migrations that have run. */
export async function appliedMigrations(manager: EntityManager): Promise<string[]> {
  const rows = await manager.query<{ name: string }[]>('SELECT name FROM schema_migration ORDER BY id');
  return rows.map(({ name }) => name);
}
