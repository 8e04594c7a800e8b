/** Keys that a run leaves at a provider where they may still work: what its problem says of them, so that somebody ends them. */
import { ProviderFault } from './provider-fault.ts';
import type { RunRow } from './rotation.entity.ts';
import type { RotationBody } from './rotation-input.ts';

/** The finding of the admin event that says so. */
export const keyLeft = { finding: 'ROTATION_KEY_LEFT' } as const;

export const oldKeyLeft = 'the old key was not ended, do that by hand';
export const oldKeyUnknown = 'what the provider calls the old key is not known: end it by hand';
export const keyMayExist = 'the provider may have made a key that nobody uses: look there for it';

/** Whether a call for a key that failed so may have made one all the same. */
export function mayHaveMadeKey(fault: Error): boolean {
  return fault instanceof ProviderFault && !fault.leftNothing;
}

/** How a run is moved, and what is recorded of it besides: one that ends says which key it may have left, however it went on. */
export function tellLeftKey(
  { mayLeaveKey }: Pick<RunRow, 'mayLeaveKey'>,
  change: Partial<RunRow>,
): { readonly change: Partial<RunRow>; readonly left: Partial<typeof keyLeft> } {
  if (!mayLeaveKey || !(change.finishedAt instanceof Date)) return { change, left: {} };
  return { change: { ...change, problem: joinProblems(change.problem ?? null, keyMayExist) }, left: keyLeft };
}

/** What to say of a new version that is not to stay and whose key was not ended; undefined: it was made here, and sent nowhere. */
export function mayStayAtProvider({ deliver, generate, revoke }: RotationBody, version: number): string | undefined {
  if (deliver !== undefined) return `version ${version} is kept, the provider may have it`;
  if (generate !== undefined && revoke === undefined) return undefined;
  return `the new key may still work at the provider: end it there, then destroy version ${version}, which is kept`;
}

/** Two sentences of a problem. */
export function joinProblems(problem: string | null, more: string): string {
  return problem === null ? more : `${problem}; ${more}`;
}
