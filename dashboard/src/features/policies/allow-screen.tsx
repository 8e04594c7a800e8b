import { useQuery } from '@apollo/client/react';
import { Button, Loader, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useWrite } from '../../api/use-write.ts';
import {
  type PolicyRowFragment,
  type RuleInput,
  AgentLabelsDocument,
  PolicyDocument,
  UpsertPolicyDocument,
} from '../../gql/graphql.ts';
import { Problem, problemText } from '../../ui/problem.tsx';
import { useTask } from '../../ui/use-task.ts';
import { allowWarnings } from './allow-warnings.ts';
import { type GivenRule, givenRule, valuesOf } from './given-rule.ts';

/** A rule, filled in with what was refused. It is added to the policy that has the agent's name, made if there is none. */
export function AllowScreen() {
  const [parameters] = useSearchParams();
  const agent = parameters.get('agent') ?? '';
  const { data, error } = useQuery(PolicyDocument, { variables: { name: agent }, fetchPolicy: 'no-cache' });
  const labels = useQuery(AgentLabelsDocument, { variables: { name: agent }, fetchPolicy: 'no-cache' });
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  // Who may not read agents can still add a rule: he is told what is not known.
  if (data === undefined || labels.loading) return <Loader size="sm" aria-label="Loading" />;
  const warnings = allowWarnings(data.policy, { name: agent, labels: labels.data?.agent?.labels });
  return <AllowForm agent={agent} policy={data.policy} given={givenRule(parameters)} warnings={warnings} />;
}

interface AllowFormProps {
  readonly agent: string;
  readonly policy: PolicyRowFragment | null;
  readonly given: GivenRule;
  /** Why the rule may not do what is expected of it. */
  readonly warnings: readonly string[];
}

const labels = [
  ['hosts', 'Hosts', 'With commas between them; *.example.com is any name below'],
  ['paths', 'Paths', 'Empty: every path. * is within a segment, ** across them'],
  ['methods', 'Methods', 'Empty: every method'],
  ['secrets', 'Secrets', 'Which it may use there, like prod/openai'],
] as const;

function AllowForm({ agent, policy, given, warnings }: AllowFormProps) {
  const write = useWrite(UpsertPolicyDocument);
  const navigate = useNavigate();
  const task = useTask();
  const [fields, setFields] = useState(given.texts);
  const save = async (): Promise<string | undefined> => {
    const allow = Object.fromEntries(labels.map(([id]) => [id, valuesOf(fields[id], given.texts[id])]));
    const added = { allow: { ...allow, hosts: allow['hosts'] ?? [] } };
    const rules = [...(policy?.rules.map(ruleInput) ?? []), added];
    const input = { name: agent, rules, ...(policy === null && { agents: [{ name: agent }] }) };
    const { problem } = await write({ input, ifRevision: policy?.revision ?? 0 });
    if (problem === undefined) await navigate(`/policies/${encodeURIComponent(agent)}`);
    return problem;
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    task.run(save);
  };
  return (
    <div className="narrow stack">
      <h1>Allow {agent}</h1>
      <form onSubmit={onSubmit} className="panel stack">
        {task.problem !== undefined && <Problem>{task.problem}</Problem>}
        <p className="lead">
          {policy === null
            ? `This makes the policy ${agent} with one rule.`
            : `This adds a rule to the policy ${agent}, which has ${policy.rules.length}.`}{' '}
          A rule that denies still wins.
        </p>
        {warnings.map((warning) => (
          <p key={warning} className="note warn" role="status">
            {warning}
          </p>
        ))}
        {labels.map(([id, label, description]) => (
          <TextInput
            key={id}
            label={label}
            description={description}
            // Left empty, it would allow all that it was withheld for.
            required={id === 'hosts' || given.withheld[id] !== undefined}
            error={fields[id] === '' ? given.withheld[id] : undefined}
            spellCheck={false}
            value={fields[id]}
            onChange={(event) => setFields({ ...fields, [id]: event.currentTarget.value })}
          />
        ))}
        <div className="actions">
          <Button type="submit" loading={task.isBusy}>
            Allow
          </Button>
        </div>
      </form>
    </div>
  );
}

/** A rule as it stands, to be written again: without the cache's own fields. */
function ruleInput({ allow, deny }: PolicyRowFragment['rules'][number]): RuleInput {
  const plain = <T,>(part: T): T =>
    JSON.parse(JSON.stringify(part, (key, value: unknown) => (key === '__typename' ? undefined : value))) as T;
  return allow === null ? { deny: plain(deny) } : { allow: plain(allow) };
}
