import { Checkbox, NumberInput } from '@mantine/core';
import { useState } from 'react';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import {
  type AuthoritiesQuery,
  type AuthorityKind,
  ActivateAuthorityDocument,
  RotateAuthorityDocument,
} from '../../gql/graphql.ts';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { kindTexts } from './kind-texts.ts';

type Authority = AuthoritiesQuery['authorities']['authorities'][number];

interface OverlapProps {
  readonly kind: AuthorityKind;
  readonly hours: number;
  readonly change: (hours: number) => void;
}

/** For how long an authority is trusted before it signs. */
export function OverlapInput({ kind, hours, change }: OverlapProps) {
  return (
    <NumberInput
      label="Overlap in hours"
      description={kindTexts[kind].overlap}
      min={0}
      max={8760}
      allowDecimal={false}
      value={hours}
      onChange={(value) => change(Number(value))}
    />
  );
}

interface RotateProps {
  readonly kind: AuthorityKind;
  readonly hasNext: boolean;
  readonly done: () => Promise<void>;
}

/** Makes the next authority. */
export function Rotate({ kind, hasNext, done }: RotateProps) {
  const write = useWrite(RotateAuthorityDocument);
  const [isOpen, setOpen] = useState(false);
  const [hours, setHours] = useState(kindTexts[kind].overlapHours);
  const mayNot = useRefusal('authority:rotate');
  const refused = mayNot ?? (hasNext ? 'There is a next one already: activate it, or retire it first.' : undefined);
  const submit = async () => {
    const { problem } = await write({ kind, overlapHours: hours });
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
          <p className="lead">{kindTexts[kind].rotate}</p>
          <OverlapInput kind={kind} hours={hours} change={setHours} />
        </FormPanel>
      </Dialog>
    </>
  );
}

export interface StepProps {
  readonly kind: AuthorityKind;
  readonly authority: Authority;
  readonly done: () => Promise<void>;
}

/** Lets the next authority sign. */
export function Activate({ kind, authority, done }: StepProps) {
  const write = useWrite(ActivateAuthorityDocument);
  const [isOpen, setOpen] = useState(false);
  const [isEarly, setEarly] = useState(false);
  const { activatesAt } = authority;
  const isOver = activatesAt !== null && new Date(activatesAt) <= new Date();
  const submit = async () => {
    const { problem } = await write({ kind, isEarly });
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
          <p className="lead">{kindTexts[kind].activate}</p>
          {!isOver && (
            <Checkbox
              label="Before the overlap is over"
              description={kindTexts[kind].early}
              checked={isEarly}
              onChange={(event) => setEarly(event.currentTarget.checked)}
            />
          )}
        </FormPanel>
      </Dialog>
    </>
  );
}
