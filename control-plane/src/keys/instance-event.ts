import type { EntityManager } from 'typeorm';
import { insertOfInstance } from '../auth/events/admin-event-store.ts';

/** Records what the instance did with its keys, in the trail of admins' actions. Within the transaction that did it. */
export async function recordInstanceEvent(manager: EntityManager, action: string, objectName: string): Promise<void> {
  await insertOfInstance(manager, [{ action, objectKind: 'keys', objectName }]);
}
