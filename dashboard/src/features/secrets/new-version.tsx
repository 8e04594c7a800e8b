import { Button } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { RotateSecretDocument } from '../../gql/graphql.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { Problem } from '../../ui/problem.tsx';
import { SecretValueInput } from '../../ui/secret-value-input.tsx';
import { useTask } from '../../ui/use-task.ts';

/** Gives a secret another value, in force in the next request. */
export function NewVersion({ name, done }: { readonly name: string; readonly done: () => Promise<void> }) {
  const write = useWrite(RotateSecretDocument);
  const [isOpen, setOpen] = useState(false);
  const [value, setValue] = useState('');
  const task = useTask();
  const close = () => {
    setOpen(false);
    setValue('');
  };
  const rotate = async (): Promise<string | undefined> => {
    const { problem } = await write({ name, value });
    if (problem !== undefined) return problem;
    close();
    await done();
    return undefined;
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    task.run(rotate);
  };
  return (
    <>
      <GuardedButton size="xs" refused={useRefusal('secret:rotate')} onClick={() => setOpen(true)}>
        New version
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`New version of ${name}`} close={close}>
        <form onSubmit={onSubmit} className="stack" autoComplete="off">
          {task.problem !== undefined && <Problem>{task.problem}</Problem>}
          <SecretValueInput value={value} change={setValue} />
          <p className="lead">It is in force in the next request. The version before it stays, to roll back to.</p>
          <div className="actions">
            <Button type="submit" loading={task.isBusy}>
              Make it current
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
