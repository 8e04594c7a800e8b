import { Checkbox } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { RetireAuthorityDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import type { StepProps } from './authority-acts.tsx';
import { isHeld } from './held.ts';
import { HolderList } from './holder-list.tsx';

/** Has an authority trusted no more. */
export function Retire(props: StepProps) {
  return props.kind === 'CLIENT' ? <RetireClient {...props} /> : <RetireGateway {...props} />;
}

function RetireGateway({ kind, authority: { id, state, fingerprint }, done }: StepProps) {
  const act = useAct(RetireAuthorityDocument, done);
  return (
    <Confirm
      label="Retire"
      title={`Retire the ${state.toLowerCase()} authority?`}
      act={act({ kind, id })}
      isDangerous
      refused={useRefusal('authority:rotate')}
    >
      Agents do not trust {fingerprint.slice(0, 16)}… any more, and its key is destroyed. There is no way back.
    </Confirm>
  );
}

/** Names who loses a certificate. The API refuses it while there is anybody, unless that is agreed to. */
function RetireClient({ kind, authority, done }: StepProps) {
  const act = useAct(RetireAuthorityDocument, done);
  const refused = useRefusal('authority:rotate');
  const [isOpen, setOpen] = useState(false);
  const [isForced, setForced] = useState(false);
  const { id, state, fingerprint } = authority;
  const open = () => {
    setForced(false);
    setOpen(true);
  };
  const submit = async () => {
    const problem = await act({ kind, id, isForced: isForced && isHeld(authority) })();
    if (problem === undefined) setOpen(false);
    return problem;
  };
  return (
    <>
      <GuardedButton variant="default" size="xs" className="danger" refused={refused} onClick={open}>
        Retire
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`Retire the ${state.toLowerCase()} authority?`} close={() => setOpen(false)}>
        <FormPanel isBare isDangerous submitLabel="Retire" submit={submit} cancel={() => setOpen(false)}>
          <p className="lead">
            Workers refuse client certificates by {fingerprint.slice(0, 16)}…, and its key is destroyed. There is no way
            back.
          </p>
          <HolderList {...authority} />
          {isHeld(authority) && (
            <Checkbox
              label="Refuse their certificates"
              description="Who has nothing newer is refused from then on. Without this, issue new certificates first, or wait until these expire"
              checked={isForced}
              onChange={(event) => setForced(event.currentTarget.checked)}
            />
          )}
        </FormPanel>
      </Dialog>
    </>
  );
}
