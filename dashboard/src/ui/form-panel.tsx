import { Button } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { GuardedButton } from './guarded-button.tsx';
import { Problem } from './problem.tsx';
import { type Task, useTask } from './use-task.ts';

interface FormPanelProps {
  readonly submitLabel: string;
  /** Gives what is wrong, or undefined. */
  readonly submit: () => Promise<string | undefined>;
  readonly cancel?: () => void;
  /** It is in a dialog, or in a panel of its screen. */
  readonly isBare?: boolean;
  readonly isDangerous?: boolean;
  /** Why the caller may not, for a person to read. */
  readonly refused?: string | undefined;
  /** Absent: its own. */
  readonly task?: Task;
  readonly children: ReactNode;
}

/** A form: what was wrong with it stands above its fields, and what was typed stays. */
export function FormPanel(props: FormPanelProps) {
  const { submitLabel, submit, cancel, isBare = false, isDangerous = false, refused, children } = props;
  const own = useTask();
  const task = props.task ?? own;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!task.isBusy && refused === undefined) task.run(submit);
  };
  return (
    <form onSubmit={onSubmit} className={isBare ? 'stack' : 'panel stack'} autoComplete="off">
      {task.problem !== undefined && <Problem>{task.problem}</Problem>}
      {children}
      <div className="actions">
        <GuardedButton refused={refused} type="submit" loading={task.isBusy} color={isDangerous ? 'red.9' : 'indigo'}>
          {submitLabel}
        </GuardedButton>
        {cancel !== undefined && (
          <Button variant="default" onClick={cancel}>
            Cancel
          </Button>
        )}
      </div>
    </form>
  );
}
