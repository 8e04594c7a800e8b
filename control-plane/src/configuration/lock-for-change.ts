import type { EntityManager } from 'typeorm';

/** Any number will do; it must stay the same for every version that may run beside this one. */
export const changeLock = 6_627_254_001;
const lockTimeoutMs = 10_000;

/**
 * Takes the lock under which configuration is written, until the transaction ends. Revisions are numbered and
 * committed under it, so that no reader sees 11 before 10. @throws QueryFailedError 55P03 after ten seconds
 */
export async function lockForChange(manager: EntityManager): Promise<void> {
  await manager.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  await manager.query('SELECT pg_advisory_xact_lock($1)', [changeLock]);
}
