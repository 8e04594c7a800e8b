import { useSyncExternalStore } from 'react';

/** Of a write that was waited for: which workers have it. */
export interface Waited {
  /** Undefined or null: it was not waited for, or nobody can tell. */
  readonly isEverywhere?: boolean | null;
  readonly behind?: readonly string[] | null;
  readonly silent?: readonly string[] | null;
}

const mostNames = 5;
const listeners = new Set<() => void>();
let note: string | undefined;

function setNote(now: string | undefined): void {
  note = now;
  for (const listener of listeners) listener();
}

/** Every screen that writes tells what was written: where not every worker has it, that is said until the next write. */
export function noteWritten(waited: Waited): void {
  setNote(appliedText(waited));
}

export function dropNote(): void {
  setNote(undefined);
}

/** What is to be said of the last write, or undefined. */
export function useAppliedNote(): string | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => note,
  );
}

/** What a person should know of a write that not every worker has: until then those decide by what was before. */
export function appliedText({ isEverywhere, behind, silent }: Waited): string | undefined {
  if (isEverywhere !== false) return undefined;
  const late = behind ?? [];
  const lost = silent ?? [];
  if (late.length + lost.length === 0) return 'Saved. No worker is running.';
  const parts = [
    late.length > 0 && `${named(late)} ${late.length === 1 ? 'has' : 'have'} not applied it yet.`,
    lost.length > 0 &&
      `${named(lost)} ${lost.length === 1 ? 'does' : 'do'} not report: nobody knows by what ${lost.length === 1 ? 'it decides' : 'they decide'}.`,
  ];
  return ['Saved.', ...parts.filter((part) => part !== false)].join(' ');
}

/** `a`, `a and b`, `a, b and c`; of many the first, and how many more. */
function named(names: readonly string[]): string {
  const shown = names.length > mostNames ? [...names.slice(0, mostNames), `${names.length - mostNames} more`] : names;
  return [shown.slice(0, -1).join(', '), shown.at(-1)].filter(Boolean).join(' and ');
}
