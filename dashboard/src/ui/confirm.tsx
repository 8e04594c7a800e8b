import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Dialog } from './dialog.tsx';
import { GuardedButton } from './guarded-button.tsx';
import { Problem } from './problem.tsx';
import { useTask } from './use-task.ts';

interface ConfirmProps {
  readonly label: string;
  readonly title: string;
  /** Gives what is wrong, or undefined. */
  readonly act: () => Promise<string | undefined>;
  readonly isDangerous?: boolean;
  /** Why the caller may not, for a person to read. */
  readonly refused?: string | undefined;
  /** What comes of it. */
  readonly children: ReactNode;
}

/** A button for what is not done by one click: it says what comes of it first. */
export function Confirm({ label, title, act, isDangerous = false, refused, children }: ConfirmProps) {
  const [isOpen, setOpen] = useState(false);
  const task = useTask();
  const confirm = () =>
    task.run(async () => {
      const problem = await act();
      if (problem === undefined) setOpen(false);
      return problem;
    });
  return (
    <>
      <GuardedButton
        refused={refused}
        variant="default"
        size="xs"
        className={isDangerous ? 'danger' : undefined}
        onClick={() => setOpen(true)}
      >
        {label}
      </GuardedButton>
      <Dialog isOpen={isOpen} title={title} close={() => setOpen(false)}>
        <div className="stack">
          {task.problem !== undefined && <Problem>{task.problem}</Problem>}
          <div>{children}</div>
          <div className="actions">
            <Button color={isDangerous ? 'red.9' : 'indigo'} loading={task.isBusy} onClick={confirm} data-autofocus>
              {label}
            </Button>
            <Button variant="default" onClick={() => setOpen(false)}>
              Cancel
            </Button>
          </div>
        </div>
      </Dialog>
    </>
  );
}
