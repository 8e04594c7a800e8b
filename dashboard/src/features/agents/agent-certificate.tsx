import { Button, NumberInput } from '@mantine/core';
import { useState } from 'react';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type IssueAgentCertificateMutation, IssueAgentCertificateDocument } from '../../gql/graphql.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { TimeText } from '../../ui/time-text.tsx';

type Certificate = NonNullable<IssueAgentCertificateMutation['issueAgentCertificate']['object']>;

const defaultDays = 30;

/** Issues a client certificate for an agent that is known by one. Its key is saved to a file, and shown nowhere. */
export function AgentCertificate({ name }: { readonly name: string }) {
  const write = useWrite(IssueAgentCertificateDocument);
  const [isOpen, setOpen] = useState(false);
  const [days, setDays] = useState(defaultDays);
  const [made, setMade] = useState<Certificate>();
  const [isKeySaved, setKeySaved] = useState(false);
  const close = () => {
    setOpen(false);
    setMade(undefined);
    setKeySaved(false);
  };
  const submit = async () => {
    const { problem, payload } = await write({ name, days });
    if (payload.object !== null) {
      setMade(payload.object);
      // It may have been closed while the answer was under way.
      setOpen(true);
    }
    return problem;
  };
  // Nothing gives the key again: a key press does not throw it away.
  const isHeldOpen = made !== undefined && !isKeySaved;
  return (
    <>
      <GuardedButton variant="default" size="xs" refused={useRefusal('agent:rotate')} onClick={() => setOpen(true)}>
        New certificate
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`Client certificate of ${name}`} close={isHeldOpen ? undefined : close}>
        {made === undefined ? (
          <FormPanel isBare submitLabel="Issue it" submit={submit} cancel={close}>
            <NumberInput
              label="Good for, in days"
              description="Those issued before stay good until they expire"
              min={1}
              max={365}
              allowDecimal={false}
              required
              data-autofocus
              value={days}
              onChange={(value) => setDays(Number(value))}
            />
          </FormPanel>
        ) : (
          <Saving name={name} made={made} isKeySaved={isKeySaved} keySaved={() => setKeySaved(true)} close={close} />
        )}
      </Dialog>
    </>
  );
}

interface SavingProps {
  readonly name: string;
  readonly made: Certificate;
  readonly isKeySaved: boolean;
  readonly keySaved: () => void;
  readonly close: () => void;
}

function Saving({ name, made, isKeySaved, keySaved, close }: SavingProps) {
  const { certificate, privateKey, expiresAt } = made;
  const saveKey = () => {
    saveFile(`${name}.key.pem`, privateKey);
    keySaved();
  };
  return (
    <div className="stack">
      <p className="note good" role="status">
        Issued, good until <TimeText at={expiresAt} />. Save both files now: the key is kept nowhere, and given this
        once.
      </p>
      <div className="actions">
        <Button data-autofocus onClick={() => saveFile(`${name}.crt.pem`, certificate)}>
          Save the certificate
        </Button>
        <Button onClick={saveKey}>Save the key</Button>
        <Button variant="default" onClick={close}>
          {isKeySaved ? 'Done' : 'Close without the key'}
        </Button>
      </div>
    </div>
  );
}
