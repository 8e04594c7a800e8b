/** lock_not_available and deadlock_detected (PostgreSQL's manual, appendix A). */
const lockCodes: ReadonlySet<unknown> = new Set(['55P03', '40P01']);

/** Whether a statement failed for others hold a lock that it needs: tried again, it may succeed. */
export function isLockHeld(error: unknown): boolean {
  return lockCodes.has((error as { code?: unknown } | undefined)?.code);
}
