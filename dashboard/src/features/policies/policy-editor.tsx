import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useRefusal } from '../../api/use-may.ts';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { Problem } from '../../ui/problem.tsx';
import { PolicyChanges, DifferenceTable } from './policy-changes.tsx';
import { PolicyForm } from './policy-form.tsx';
import { PolicyImpact } from './policy-impact.tsx';
import { type Done, type EditedPolicy, type Meanwhile, useSavePolicy } from './use-save-policy.ts';

interface PolicyEditorProps {
  /** YAML, as a file has it, to begin with. */
  readonly text: string;
  /** The policy that the text is of; absent: a new one. */
  readonly of?: EditedPolicy | undefined;
  /** There is something to save from the beginning: what it changes is seen first. */
  readonly isFilledIn?: boolean;
  /** Is told of each text that is written here. */
  readonly keep?: (text: string) => void;
  readonly done: Done;
}

/** A policy as a form and as text. What saving it changes, in it and of the last day's requests, is shown all the time. */
export function PolicyEditor({ text: given, of, isFilledIn = false, keep, done }: PolicyEditorProps) {
  const [text, setText] = useState(given);
  const saving = useSavePolicy(of, done);
  const change = (next: string) => {
    setText(next);
    keep?.(next);
  };
  const refused = useRefusal(of === undefined ? 'policy:create' : 'policy:update');
  const now = saving.meanwhile === undefined ? of?.text : saving.meanwhile.text;
  const effect = (
    <>
      <div role="status" className="table">
        <PolicyChanges saved={now} text={text} />
      </div>
      <PolicyImpact text={text} isMeantToChange={isFilledIn} />
    </>
  );
  return (
    <div className="stack">
      {isFilledIn && effect}
      <div className="columns">
        <PolicyForm text={text} change={change} />
        <PolicyText text={text} change={change} />
      </div>
      {!isFilledIn && effect}
      <div className="actions save">
        {saving.problem !== undefined && <Problem>{saving.problem}</Problem>}
        {saving.meanwhile !== undefined && (
          <MeanwhileNotice meanwhile={saving.meanwhile} takeTheirs={() => done(of?.name ?? '')} />
        )}
        <GuardedButton
          refused={refused}
          disabled={of !== undefined && text === of.text && saving.meanwhile === undefined}
          onClick={() => saving.save(text)}
          loading={saving.isBusy}
        >
          {saveLabel(saving.meanwhile)}
        </GuardedButton>
      </div>
    </div>
  );
}

/** After a conflict it says what else it does: nobody presses it by habit. */
function saveLabel(meanwhile: Meanwhile | undefined): string {
  if (meanwhile === undefined) return 'Save';
  return meanwhile.revision === 0 ? 'Make it anew' : 'Save over theirs';
}

interface PolicyTextProps {
  readonly text: string;
  readonly change: (text: string) => void;
}

function PolicyText({ text, change }: PolicyTextProps) {
  return (
    <Textarea
      label="YAML"
      description="As in a file of configuration. What the form changes is changed here, and comments stay"
      classNames={{ input: 'mono' }}
      autosize
      minRows={14}
      maxRows={40}
      spellCheck={false}
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}

interface MeanwhileNoticeProps {
  readonly meanwhile: Meanwhile;
  readonly takeTheirs: () => void | Promise<void>;
}

/** Somebody else wrote it while it was open here: what they did, and what comes of saving all the same. */
function MeanwhileNotice({ meanwhile: { revision, differences }, takeTheirs }: MeanwhileNoticeProps) {
  const isGone = revision === 0;
  return (
    <div role="alert" className="note warn stack">
      <strong>
        {isGone
          ? 'It was deleted meanwhile, and nothing was written. Saving now makes it anew.'
          : 'Somebody else changed it meanwhile, and nothing was written. Saving now writes over what they did.'}
      </strong>
      {differences.length > 0 && <DifferenceTable caption="What they changed" differences={differences} />}
      <div className="actions">
        <Button size="xs" variant="default" onClick={() => void takeTheirs()}>
          {isGone ? 'Leave it' : 'Drop mine, show theirs'}
        </Button>
      </div>
    </div>
  );
}
