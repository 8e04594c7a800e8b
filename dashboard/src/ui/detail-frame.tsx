import { Loader } from '@mantine/core';
import type { ReactNode } from 'react';
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

/** A screen about one named thing: while it is read, when it cannot be, and when it is not there. */
export function DetailFrame<Found>({ noun, name, error, found, children }: DetailFrameProps<Found>) {
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  if (found === undefined) return <Loader size="sm" aria-label="Loading" />;
  if (found === null)
    return (
      <EmptyState isScreen title={`There is no ${noun} ${name}`}>
        It may have been deleted, or belong to an environment that you may not read.
      </EmptyState>
    );
  return children(found);
}
