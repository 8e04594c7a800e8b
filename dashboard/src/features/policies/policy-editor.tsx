import { useApolloClient } from '@apollo/client/react';
import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { Problem } from '../../ui/problem.tsx';
import { useTask } from '../../ui/use-task.ts';
import { PolicyForm } from './policy-form.tsx';
import { PolicyImpact } from './policy-impact.tsx';
import { type PolicyChange, type PolicyPlan, applyPolicy, planPolicy } from './plan-policy.ts';

interface PolicyEditorProps {
  /** YAML, as a file has it. */
  readonly text: string;
  /** The policy that the text is of; absent: a new one. */
  readonly of?: EditedPolicy;
  readonly done: () => void | Promise<void>;
}

interface EditedPolicy {
  readonly name: string;
  readonly revision: number;
  /** How it is now; null when it is gone. */
  readonly look: () => Promise<{ readonly revision: number } | null>;
}

/** A policy as text: what would change is shown first, and only that is then done. */
export function PolicyEditor({ text: given, of, done }: PolicyEditorProps) {
  const client = useApolloClient();
  const task = useTask();
  const [text, setText] = useState(given);
  const [plan, setPlan] = useState<Extract<PolicyPlan, { kind: 'plan' }>>();
  const [meanwhile, setMeanwhile] = useState<'changed' | 'deleted'>();
  const change = (next: string) => {
    setText(next);
    setPlan(undefined);
  };
  const look = () =>
    task.run(async () => {
      const found = await planPolicy(client, text, of?.name);
      if (found.kind === 'refused') return found.problem;
      if (of !== undefined) setMeanwhile(whatCame(of.revision, await of.look()));
      setPlan(found);
      return undefined;
    });
  const takeTheirs = async (): Promise<undefined> => {
    await done();
  };
  const save = (planned: Extract<PolicyPlan, { kind: 'plan' }>) =>
    task.run(async () => {
      const problem = await applyPolicy(client, planned);
      setPlan(undefined);
      if (problem === undefined) await done();
      return problem;
    });
  return (
    <div className="stack">
      {task.problem !== undefined && <Problem>{task.problem}</Problem>}
      <PolicyViews text={text} change={change} />
      {plan !== undefined && meanwhile !== undefined && (
        <Meanwhile what={meanwhile} takeTheirs={() => task.run(takeTheirs)} />
      )}
      <div role="status">{plan !== undefined && <Changes changes={plan.changes} />}</div>
      <div className="actions">
        {plan === undefined || plan.changes.length === 0 ? (
          <Button onClick={look} loading={task.isBusy}>
            Show what changes
          </Button>
        ) : (
          <Button onClick={() => save(plan)} loading={task.isBusy}>
            Save
          </Button>
        )}
      </div>
    </div>
  );
}

/** The form, and beside it the text that it is a form of, with what it would have decided. */
function PolicyViews({ text, change }: PolicyTextProps) {
  return (
    <div className="columns">
      <PolicyForm text={text} change={change} />
      <div className="stack">
        <PolicyText text={text} change={change} />
        <PolicyImpact text={text} />
      </div>
    </div>
  );
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

/** What somebody else did to a policy since it was opened. */
function whatCame(revision: number, now: { readonly revision: number } | null): 'changed' | 'deleted' | undefined {
  if (now === null) return 'deleted';
  return now.revision === revision ? undefined : 'changed';
}

function Meanwhile({ what, takeTheirs }: { readonly what: 'changed' | 'deleted'; readonly takeTheirs: () => void }) {
  return (
    <div role="alert" className="note warn stack">
      <strong>
        {what === 'deleted'
          ? 'It was deleted meanwhile. To save makes it anew.'
          : 'Somebody else changed it meanwhile. To save writes over that: what is listed is compared with how it is now.'}
      </strong>
      <div className="actions">
        <Button size="xs" variant="default" onClick={takeTheirs}>
          {what === 'deleted' ? 'Leave it' : 'Drop mine, show theirs'}
        </Button>
      </div>
    </div>
  );
}

function Changes({ changes }: { readonly changes: readonly PolicyChange[] }) {
  if (changes.length === 0) return <p className="note">Nothing changes.</p>;
  return (
    <table className="rows">
      <caption>What changes</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.flatMap(({ name, fields }) =>
          fields.map(({ field, before, after }) => (
            <tr key={`${name} ${field}`}>
              <td className="mono">{field}</td>
              <td className="mono">{shown(before)}</td>
              <td className="mono">{shown(after)}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}

function shown(value: unknown): string {
  return value === undefined || value === null ? '–' : JSON.stringify(value);
}
