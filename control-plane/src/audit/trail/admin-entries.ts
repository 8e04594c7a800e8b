import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource } from 'typeorm';
import { appendRuns } from './append-runs.ts';
import { ownRun } from './own-entries.ts';
import { lockTree } from './tree-row.ts';

const eventsAtOnce = 256;

/** An admin event as an entry has it: every column, the time in microseconds, as text since it is larger than JSON's numbers. */
export const adminEventJson = `jsonb_build_object('id', id, 'atMicros', ((extract(epoch FROM at) * 1000000)::bigint)::text,
  'principal', principal, 'owner', owner, 'action', action, 'objectKind', object_kind, 'objectName', object_name,
  'outcome', outcome, 'reason', reason, 'address', address, 'requestId', request_id, 'revision', revision,
  'environment', environment, 'detail', detail)`;

/**
 * Puts admin events that are not yet in the trail there, whoever wrote them: at most a second after they were written no edit of
 * them goes unnoticed. @returns how many
 */
export async function keepAdminEvents(database: DataSource, keyring: Keyring, macKey: Buffer): Promise<number> {
  const [waiting] = await database.query<unknown[]>('SELECT 1 FROM admin_event WHERE NOT is_in_trail LIMIT 1');
  if (waiting === undefined) return 0;
  return database.transaction('READ COMMITTED', async (manager) => {
    const tree = await lockTree(manager);
    const rows = await manager.query<{ id: string; event: Readonly<Record<string, unknown>> }[]>(
      `SELECT id, ${adminEventJson} AS event FROM admin_event WHERE NOT is_in_trail ORDER BY at, id LIMIT $1
       FOR UPDATE SKIP LOCKED`,
      [eventsAtOnce],
    );
    if (rows.length === 0) return 0;
    const { run, own } = ownRun(
      macKey,
      tree,
      rows.map(({ event }) => ({ kind: 'ADMIN', event })),
    );
    await appendRuns(manager, keyring, tree, [run], own);
    await manager.query('UPDATE admin_event SET is_in_trail = true WHERE id = ANY ($1)', [rows.map(({ id }) => id)]);
    return rows.length;
  });
}
