/** Keys that a run leaves at a provider where they may still work: what its problem says of them, so that somebody ends them. */
import { ProviderFault } from './provider-fault.ts';
import type { RunRow } from './rotation.entity.ts';
import type { RotationBody } from './rotation-input.ts';

/** The finding of the admin event that says so. */
export const keyLeft = { finding: 'ROTATION_KEY_LEFT' } as const;

export const oldKeyLeft = 'the old key was not ended, do that by hand';
export const oldKeyUnknown = 'what the provider calls the old key is not known: end it by hand';
export const keyMayExist = 'the provider may have made a key that nobody uses: look there for it';

/** What is kept when no key came. Once a call may have made one, every later problem says so too. */
export function problemOfCreating(run: Pick<RunRow, 'attempts' | 'problem'>, fault: Error): string {
  const leftNothing = !(fault instanceof ProviderFault) || fault.leftNothing;
  // A try that was counted and left no problem behind never came back.
  const hasLostOne = run.problem === null ? run.attempts > 1 : run.problem.includes(keyMayExist);
  return leftNothing && !hasLostOne ? fault.message : `${fault.message}; ${keyMayExist}`;
}

/** Why a run that got no key is given up. */
export function problemWithoutKey({ problem }: Pick<RunRow, 'problem'>, { generate }: RotationBody): string {
  return problem ?? (generate === undefined ? `no key came; ${keyMayExist}` : 'no key came');
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
