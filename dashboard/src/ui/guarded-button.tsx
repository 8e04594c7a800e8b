import { Button, type ButtonProps, Tooltip, createPolymorphicComponent } from '@mantine/core';
import type { MouseEvent } from 'react';

interface GuardedButtonProps extends ButtonProps {
  /** Why it may not be used, for a person to read. Undefined: it may. */
  readonly refused: string | undefined;
  readonly onClick?: (event: MouseEvent<HTMLElement>) => void;
}

/** A button that says why it is off. It keeps the focus then, so that the reason can be read by everybody. */
function Guarded({ refused, ...button }: GuardedButtonProps) {
  if (refused === undefined) return <Button {...button} />;
  const stay = (event: MouseEvent<HTMLElement>) => event.preventDefault();
  return (
    <Tooltip label={refused} multiline maw={280} events={{ hover: true, focus: true, touch: true }}>
      <Button {...button} data-disabled aria-disabled title={refused} onClick={stay} />
    </Tooltip>
  );
}

export const GuardedButton = createPolymorphicComponent<'button', GuardedButtonProps>(Guarded);
