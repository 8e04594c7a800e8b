import { Button, Loader, NativeSelect, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { stringify } from 'yaml';
import { Problem, problemText } from '../../ui/problem.tsx';
import { allowWarnings } from './allow-warnings.ts';
import { type GivenRule, type RuleTexts, allowRule, fieldNames, givenRule } from './given-rule.ts';
import { PolicyEditor } from './policy-editor.tsx';
import { appendRule } from './policy-yaml.ts';
import { type AgentPolicies, useAgentPolicies } from './use-agent-policies.ts';
import { editedPolicy } from './use-save-policy.ts';

/** A rule for what was refused: the policy that it would be added to is opened with it, and what it changes is shown. */
export function AllowScreen() {
  const [parameters] = useSearchParams();
  const agent = parameters.get('agent') ?? '';
  const [given] = useState(() => givenRule(parameters));
  const [filledIn, fillIn] = useState<RuleTexts>();
  const found = useAgentPolicies(agent, askedUrl(parameters), parameters.get('method') ?? 'GET');
  const isWhole = filledIn !== undefined || Object.keys(given.withheld).length === 0;
  return (
    <div className="stack">
      <h1>Allow {agent}</h1>
      {!isWhole && <WithheldForm given={given} fill={fillIn} />}
      {isWhole && found.kind === 'looking' && <Loader size="sm" aria-label="Loading" />}
      {isWhole && found.kind === 'failed' && <Problem>{problemText(found.cause)}</Problem>}
      {isWhole && found.kind === 'found' && (
        <AllowIn agent={agent} found={found} rule={allowRule(filledIn ?? given.texts, given.texts)} />
      )}
    </div>
  );
}

function askedUrl(parameters: URLSearchParams): string {
  const port = parameters.get('port');
  const path = parameters.get('path') ?? '/';
  return `https://${parameters.get('host') ?? ''}${port === null ? '' : `:${port}`}${path}`;
}

interface AllowInProps {
  readonly agent: string;
  readonly found: Extract<AgentPolicies, { kind: 'found' }>;
  readonly rule: object;
}

/** The policy to put it in, and its editor with the rule. */
function AllowIn({ agent, found: { policies, labels, best, newName }, rule }: AllowInProps) {
  const navigate = useNavigate();
  const [chosen, choose] = useState(best);
  // What was written in a policy is there again when it is chosen again.
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map());
  const policy = policies.find(({ name }) => name === chosen) ?? null;
  const edited = policy === null ? undefined : editedPolicy(policy);
  const base = edited?.text ?? stringify({ name: newName, agents: [agent], rules: [] });
  return (
    <section className="panel stack">
      <NativeSelect
        label="Put the rule into"
        description="Policies that select the agent, or one of its own. A rule that denies wins over every other"
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[
          ...policies.map((one) => ({ value: one.name, label: `the policy ${one.name}` })),
          { value: '', label: `a new policy, ${newName}` },
        ]}
      />
      {allowWarnings(policy, { name: agent, labels }).map((warning) => (
        <p key={warning} className="note warn" role="status">
          {warning}
        </p>
      ))}
      <PolicyEditor
        key={chosen}
        text={texts.get(chosen) ?? appendRule(base, rule)}
        of={edited}
        isFilledIn
        keep={(text) => setTexts(new Map(texts).set(chosen, text))}
        done={(name) => navigate(`/policies/${encodeURIComponent(name)}`)}
      />
    </section>
  );
}

const labels = { hosts: 'Hosts', paths: 'Paths', methods: 'Methods', secrets: 'Secrets' } as const;

interface WithheldFormProps {
  readonly given: GivenRule;
  readonly fill: (texts: RuleTexts) => void;
}

/** Asks for what was not taken from the request. Left empty, it would allow all that it was withheld for. */
function WithheldForm({ given: { texts, withheld }, fill }: WithheldFormProps) {
  const [fields, setFields] = useState(texts);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    fill(fields);
  };
  return (
    <form onSubmit={onSubmit} className="panel stack narrow">
      {fieldNames
        .filter((name) => withheld[name] !== undefined)
        .map((name) => (
          <TextInput
            key={name}
            label={labels[name]}
            required
            error={fields[name] === '' ? withheld[name] : undefined}
            spellCheck={false}
            value={fields[name]}
            onChange={(event) => setFields({ ...fields, [name]: event.currentTarget.value })}
          />
        ))}
      <div className="actions">
        <Button type="submit">Go on</Button>
      </div>
    </form>
  );
}
