import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { EmptyState } from '../ui/empty-state.tsx';

interface ScreenGuardProps {
  /** The address: at another one the screen of that one is tried. A screen whose file did not come needs the page to be loaded again. */
  readonly at: string;
  readonly children: ReactNode;
}

interface ScreenGuardState {
  readonly at: string;
  readonly hasFailed: boolean;
}

/** A screen that cannot be shown takes nothing else away: most often OneCLI was updated, and its file has another name now. */
export class ScreenGuard extends Component<ScreenGuardProps, ScreenGuardState> {
  override state: ScreenGuardState = { at: this.props.at, hasFailed: false };

  static getDerivedStateFromError(): Partial<ScreenGuardState> {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps({ at }: ScreenGuardProps, state: ScreenGuardState): ScreenGuardState | null {
    return at === state.at ? null : { at, hasFailed: false };
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <EmptyState isScreen title="This screen could not be shown">
        OneCLI may have been updated since the page was opened. <ReloadButton />
      </EmptyState>
    );
  }
}

function ReloadButton() {
  return (
    <Button size="xs" variant="default" onClick={() => window.location.reload()}>
      Load the page again
    </Button>
  );
}
