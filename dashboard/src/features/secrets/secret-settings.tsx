import { useEditing } from '../../api/use-editing.ts';
import { useLook } from '../../api/use-look.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type SecretRowFragment, SecretAloneDocument, UpsertSecretDocument } from '../../gql/graphql.ts';
import { ConflictNotice } from '../../ui/conflict-notice.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { secretFields, secretInput } from './secret-fields.ts';
import { SecretForm } from './secret-form.tsx';

interface SecretSettingsProps {
  readonly secret: SecretRowFragment;
  readonly reread: () => Promise<void>;
  readonly close: () => void;
}

/** Where a secret may be used, and for how long, to be changed. */
export function SecretSettings({ secret, reread, close }: SecretSettingsProps) {
  const write = useWrite(UpsertSecretDocument);
  const { form, task, submit, conflict } = useEditing({
    thing: secret,
    fieldsOf: secretFields,
    inputOf: secretInput,
    write: (parts, ifRevision) => write({ input: { ...parts, name: secret.name }, ifRevision }),
    look: useLook(SecretAloneDocument, { name: secret.name }, (data) => data.secret),
    done: async () => {
      await reread();
      close();
    },
  });
  return (
    <FormPanel submitLabel="Save" submit={submit} cancel={close} task={task} refused={useRefusal('secret:update')}>
      {conflict !== undefined && <ConflictNotice {...conflict} isBusy={task.isBusy} />}
      <SecretForm form={form} />
    </FormPanel>
  );
}
