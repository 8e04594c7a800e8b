import { NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type SecretRowFragment, RotateSecretAliasDocument, UpsertSecretDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { useFields } from '../../ui/use-fields.ts';

interface AliasProps {
  readonly secret: SecretRowFragment;
  readonly done: () => Promise<void>;
}

/** Another text by which agents may hold a secret: for tools that look at the shape of a key. */
export function Alias({ secret: { name, alias, previousAliasUntil }, done }: AliasProps) {
  const remove = useAct(UpsertSecretDocument, done);
  const refused = useRefusal('secret:update');
  return (
    <section className="panel stack">
      <h2>Alias</h2>
      <p className="lead">
        For tools that look at the shape of a key: agents may hold it in place of <code>onecli://{name}</code>.
      </p>
      {alias !== null && <code className="wrap">{alias}</code>}
      {previousAliasUntil !== null && (
        <p className="note">
          The one before it works until <TimeText at={previousAliasUntil} />.
        </p>
      )}
      <div className="actions">
        {alias === null ? <Give name={name} done={done} /> : <Another name={name} done={done} />}
        {alias !== null && (
          <Confirm
            label="Remove"
            title={`Remove the alias of ${name}?`}
            act={remove({ input: { name, alias: null } })}
            isDangerous
            refused={refused}
          >
            From the next request on, agents that hold it send a text that means nothing.
          </Confirm>
        )}
      </div>
    </section>
  );
}

interface ActProps {
  readonly name: string;
  readonly done: () => Promise<void>;
}

function Give({ name, done }: ActProps) {
  const write = useWrite(UpsertSecretDocument);
  const [isOpen, setOpen] = useState(false);
  const { fields, text } = useFields({ prefix: 'sk-' });
  const submit = async () => {
    const { problem } = await write({ input: { name, alias: { prefix: fields.prefix } } });
    if (problem !== undefined) return problem;
    setOpen(false);
    await done();
    return undefined;
  };
  return (
    <>
      <GuardedButton size="xs" variant="default" refused={useRefusal('secret:update')} onClick={() => setOpen(true)}>
        Give it one
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`Alias of ${name}`} close={() => setOpen(false)}>
        <FormPanel isBare submitLabel="Make the alias" submit={submit} cancel={() => setOpen(false)}>
          <TextInput
            label="It begins with"
            description="Like sk-; the rest is random. It is no secret"
            required
            data-autofocus
            spellCheck={false}
            {...text('prefix')}
          />
        </FormPanel>
      </Dialog>
    </>
  );
}

function Another({ name, done }: ActProps) {
  const write = useWrite(RotateSecretAliasDocument);
  const [isOpen, setOpen] = useState(false);
  const { fields, set, text } = useFields({ prefix: '', graceSeconds: 3600 });
  const submit = async () => {
    const { prefix, graceSeconds } = fields;
    const { problem } = await write({ name, graceSeconds, prefix: prefix === '' ? null : prefix });
    if (problem !== undefined) return problem;
    setOpen(false);
    await done();
    return undefined;
  };
  return (
    <>
      <GuardedButton size="xs" variant="default" refused={useRefusal('secret:update')} onClick={() => setOpen(true)}>
        Another one
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`Another alias of ${name}`} close={() => setOpen(false)}>
        <FormPanel isBare submitLabel="Make another" submit={submit} cancel={() => setOpen(false)}>
          <NumberInput
            label="The one of now works on for, in seconds"
            description="0: it is dead at once, for every agent that holds it"
            min={0}
            allowDecimal={false}
            required
            data-autofocus
            value={fields.graceSeconds}
            onChange={(value) => set({ graceSeconds: Number(value) })}
          />
          <TextInput
            label="It begins with"
            description="Empty: as the one of now"
            spellCheck={false}
            {...text('prefix')}
          />
        </FormPanel>
      </Dialog>
    </>
  );
}
