import { useState } from 'react';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { RotateSecretDocument } from '../../gql/graphql.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { noValue, valueInput } from './secret-fields.ts';
import { ValueChoice } from './value-choice.tsx';

/** Gives a secret another value, in force in the next request. */
export function NewVersion({ name, done }: { readonly name: string; readonly done: () => Promise<void> }) {
  const write = useWrite(RotateSecretDocument);
  const [isOpen, setOpen] = useState(false);
  const { fields, set } = useFields(noValue);
  const close = () => {
    setOpen(false);
    set(noValue);
  };
  const submit = async () => {
    const { problem } = await write({ name, ...valueInput(fields) });
    if (problem !== undefined) return problem;
    close();
    await done();
    return undefined;
  };
  return (
    <>
      <GuardedButton size="xs" refused={useRefusal('secret:rotate')} onClick={() => setOpen(true)}>
        New version
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`New version of ${name}`} close={close}>
        <FormPanel isBare submitLabel="Make it current" submit={submit} cancel={close}>
          <ValueChoice fields={fields} change={set} />
          <p className="lead">It is in force in the next request. The version before it stays, to roll back to.</p>
        </FormPanel>
      </Dialog>
    </>
  );
}
