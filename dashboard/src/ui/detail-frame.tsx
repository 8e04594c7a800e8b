import { type ReactNode, useState } from 'react';
import { Loading } from './loading.tsx';
import { EmptyState } from './empty-state.tsx';
import { Problem, problemText } from './problem.tsx';

interface DetailFrameProps<Found> {
  /** As in `There is no agent openclaw`. */
  readonly noun: string;
  readonly name: string;
  readonly error: unknown;
  /** Undefined while it is read; null when there is none. */
  readonly found: Found | null | undefined;
  readonly children: (found: Found) => ReactNode;
}

/**
 * A screen about one named thing: while it is read, when it cannot be, and when it is not there. While it is read anew, and where that
 * fails, what was found before stays, with all that is typed in it and all that it tells once.
 */
export function DetailFrame<Found>({ noun, name, error, found, children }: DetailFrameProps<Found>) {
  const [last, setLast] = useState<{ readonly name: string; readonly found: Found | null }>();
  if (found !== undefined && (last?.name !== name || last.found !== found)) setLast({ name, found });
  const shown = found === undefined && last?.name === name ? last.found : found;
  return (
    <>
      {shown === undefined && <h1>{name}</h1>}
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {shown === undefined && error === undefined && <Loading />}
      {shown === null && error === undefined && (
        <EmptyState isScreen title={`There is no ${noun} ${name}`}>
          It may have been deleted, or belong to an environment that you may not read.
        </EmptyState>
      )}
      {shown !== undefined && shown !== null && children(shown)}
    </>
  );
}
