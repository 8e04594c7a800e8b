import type { ReactNode } from 'react';

interface EmptyStateProps {
  readonly title: string;
  /** It is all that the screen has. */
  readonly isScreen?: boolean;
  readonly children: ReactNode;
}

/** Says why there is nothing, and what to do. */
export function EmptyState({ title, isScreen = false, children }: EmptyStateProps) {
  const Heading = isScreen ? 'h1' : 'h2';
  return (
    <div className="empty">
      <Heading>{title}</Heading>
      <div>{children}</div>
    </div>
  );
}
