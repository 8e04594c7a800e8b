import { Checkbox, NumberInput } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import {
  type AuthoritiesQuery,
  ActivateAuthorityDocument,
  RetireAuthorityDocument,
  RotateAuthorityDocument,
} from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';

type Authority = AuthoritiesQuery['authorities']['authorities'][number];

export const defaultOverlapHours = 168;

interface OverlapProps {
  readonly hours: number;
  readonly change: (hours: number) => void;
}

/** For how long agents learn to trust an authority before it signs. */
export function OverlapInput({ hours, change }: OverlapProps) {
  return (
    <NumberInput
      label="Overlap in hours"
      description="When it is over the next one signs by itself. As long as your longest agent runs; 168 is a week"
      min={0}
      max={8760}
      allowDecimal={false}
      value={hours}
      onChange={(value) => change(Number(value))}
    />
  );
}

interface RotateProps {
  readonly hasNext: boolean;
  readonly done: () => Promise<void>;
}

/** Makes the next authority. */
export function Rotate({ hasNext, done }: RotateProps) {
  const write = useWrite(RotateAuthorityDocument);
  const [isOpen, setOpen] = useState(false);
  const [hours, setHours] = useState(defaultOverlapHours);
  const mayNot = useRefusal('authority:rotate');
  const refused = mayNot ?? (hasNext ? 'There is a next one already: activate it, or retire it first.' : undefined);
  const submit = async () => {
    const { problem } = await write({ overlapHours: hours });
    if (problem !== undefined) return problem;
    setOpen(false);
    await done();
    return undefined;
  };
  return (
    <>
      <GuardedButton size="xs" refused={refused} onClick={() => setOpen(true)}>
        Make the next one
      </GuardedButton>
      <Dialog isOpen={isOpen} title="Make the next authority?" close={() => setOpen(false)}>
        <FormPanel isBare submitLabel="Make it" submit={submit} cancel={() => setOpen(false)}>
          <p className="lead">Agents are given both to trust from now on; the one of now goes on signing.</p>
          <OverlapInput hours={hours} change={setHours} />
        </FormPanel>
      </Dialog>
    </>
  );
}

interface StepProps {
  readonly authority: Authority;
  readonly done: () => Promise<void>;
}

/** Lets the next authority sign. */
export function Activate({ authority, done }: StepProps) {
  const write = useWrite(ActivateAuthorityDocument);
  const [isOpen, setOpen] = useState(false);
  const [isEarly, setEarly] = useState(false);
  const { activatesAt } = authority;
  const isOver = activatesAt !== null && new Date(activatesAt) <= new Date();
  const submit = async () => {
    const { problem } = await write({ isEarly });
    if (problem !== undefined) return problem;
    setOpen(false);
    await done();
    return undefined;
  };
  const refused = useRefusal('authority:rotate');
  return (
    <>
      <GuardedButton size="xs" refused={refused} onClick={() => setOpen(true)}>
        Activate
      </GuardedButton>
      <Dialog isOpen={isOpen} title="Let the next authority sign?" close={() => setOpen(false)}>
        <FormPanel isBare submitLabel="Activate" submit={submit} cancel={() => setOpen(false)}>
          <p className="lead">Workers sign with it from now on. The one before stays trusted until it is retired.</p>
          {!isOver && (
            <Checkbox
              label="Before the overlap is over"
              description="Agents that began before the rotation do not trust it: their calls fail until they are started anew"
              checked={isEarly}
              onChange={(event) => setEarly(event.currentTarget.checked)}
            />
          )}
        </FormPanel>
      </Dialog>
    </>
  );
}

/** Takes an authority out of what agents trust. */
export function Retire({ authority: { id, state, fingerprint }, done }: StepProps) {
  const act = useAct(RetireAuthorityDocument, done);
  return (
    <Confirm
      label="Retire"
      title={`Retire the ${state.toLowerCase()} authority?`}
      act={act({ id })}
      isDangerous
      refused={useRefusal('authority:rotate')}
    >
      Agents do not trust {fingerprint.slice(0, 16)}… any more, and its key is destroyed. There is no way back.
    </Confirm>
  );
}
