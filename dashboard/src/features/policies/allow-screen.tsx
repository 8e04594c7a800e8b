import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'react-router';
import { Loading } from '../../ui/loading.tsx';
import { late } from '../../ui/late.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { type GivenRule, type RuleTexts, allowRule, fieldNames, givenRule } from './given-rule.ts';
import { useAgentPolicies } from './use-agent-policies.ts';

const AllowIn = late(async () => (await import('./allow-in.tsx')).AllowIn);

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
      <div>
        <h1>Allow {agent}</h1>
        <p className="lead">
          Refused: <code>{askedText(parameters)}</code>
        </p>
      </div>
      {!isWhole && <WithheldForm given={given} fill={fillIn} />}
      {isWhole && found.kind === 'looking' && <Loading />}
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

function askedText(parameters: URLSearchParams): string {
  const port = parameters.get('port');
  const target = `${parameters.get('host') ?? ''}${port === null ? '' : `:${port}`}${parameters.get('path') ?? ''}`;
  return `${parameters.get('method') ?? ''} ${target}`.trim();
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
