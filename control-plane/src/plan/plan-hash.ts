import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PlanRequest } from './config-document.ts';
import type { Step } from './compute-plan.ts';

/**
 * What a plan starts from and what it does, as 64 hexadecimal digits: the source and its terms, and for each change the object's
 * id and the write that it is based on, its fields and its value. Keyed, so that it tells nothing of a value.
 */
export function planHash(
  key: Buffer,
  { managedBy, prune, adopt }: Pick<PlanRequest, 'managedBy' | 'prune' | 'adopt'>,
  steps: readonly Step[],
): string {
  const hash = createHmac('sha256', key).update(`plan ${JSON.stringify([managedBy ?? null, prune, adopt])}`);
  for (const { kind, name, action, fields, desired, actual } of steps) {
    if (action === 'NONE') continue;
    const base = actual ? [actual.id, actual.stamp] : null;
    hash.update(`\n${canonical([kind, name, action, base, fields, desired?.value ?? null])}`);
  }
  return hash.digest('hex');
}

/** Whether two hashes are the same one, in a time that tells nothing. */
export function isSameHash(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** JSON in which the order of fields says nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
