import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';

/** Records what the instance did by itself, in the trail of admins' actions. Within the transaction that did it. */
export async function recordInstanceEvent(manager: EntityManager, action: string, objectName: string): Promise<void> {
  await manager.query(
    `INSERT INTO admin_event (id, at, principal, action, object_kind, object_name, revision, detail)
     SELECT $1, now(), 'instance', $2, 'keys', $3, revision, '{}' FROM config_state`,
    [randomUUID(), action, objectName],
  );
}
