import { useApolloClient } from '@apollo/client/react';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useMay } from '../../api/use-may.ts';
import { type ImpactOutcome, type PolicyImpactQuery, PolicyImpactDocument } from '../../gql/graphql.ts';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { shortNumber } from '../../ui/number-text.ts';
import { problemText } from '../../ui/problem.tsx';
import { ruleName } from '../../ui/rule-name.ts';
import { parsePolicy } from './parse-policy.ts';
import { policyInputOf } from './policy-input.ts';

type Impact = PolicyImpactQuery['policyImpact'];
type ImpactRow = Impact['changes'][number];
type Judgement = Pick<ImpactRow['after'], 'outcome' | 'rule'>;

type Found =
  | { readonly kind: 'looking' }
  | { readonly kind: 'unfinished'; readonly problem: string }
  | { readonly kind: 'impact'; readonly impact: Impact };

const restMs = 700;

interface PolicyImpactProps {
  /** YAML. */
  readonly text: string;
  /** Somebody wants another decision: that there is none is no good news. */
  readonly isMeantToChange: boolean;
}

/** What the requests of the last day would come to with a policy as it is written now. It is asked when the typing rests. */
export function PolicyImpact({ text, isMeantToChange }: PolicyImpactProps) {
  const may = useMay();
  const [rested] = useDebouncedValue(text, restMs);
  const found = useImpact(rested, may('audit:read'));
  if (!may('audit:read')) return null;
  return (
    <section className="impact" aria-label="What the last day’s requests would come to" role="status">
      {found.kind === 'looking' && <p className="dim">Looking at the last day’s requests…</p>}
      {found.kind === 'unfinished' && <p className="dim">Not a whole policy yet: {found.problem}</p>}
      {found.kind === 'impact' && <ImpactTable impact={found.impact} isMeantToChange={isMeantToChange} />}
    </section>
  );
}

function useImpact(text: string, isAllowed: boolean): Found {
  const client = useApolloClient();
  const [found, setFound] = useState<Found>({ kind: 'looking' });
  useEffect(() => {
    if (!isAllowed) return;
    let isOver = false;
    const tell = (next: Found) => {
      if (!isOver) setFound(next);
    };
    const look = async () => {
      const policy = parsePolicy(text);
      if (typeof policy === 'string') return tell({ kind: 'unfinished', problem: policy });
      const variables = { input: policyInputOf(policy) };
      const { data } = await client.query({ query: PolicyImpactDocument, variables, fetchPolicy: 'no-cache' });
      if (data !== undefined) tell({ kind: 'impact', impact: data.policyImpact });
    };
    look().catch((cause: unknown) => tell({ kind: 'unfinished', problem: problemText(cause) }));
    return () => {
      isOver = true;
    };
  }, [client, text, isAllowed]);
  return found;
}

interface ImpactTableProps {
  readonly impact: Impact;
  readonly isMeantToChange: boolean;
}

function ImpactTable({ impact, isMeantToChange }: ImpactTableProps) {
  const { examined, isComplete, changed, changes } = impact;
  const looked = `${isComplete ? '' : 'the newest '}${shortNumber(examined)} requests of the last 24 hours`;
  if (examined === 0) return <p className="dim">There was no request in the last 24 hours to try it on.</p>;
  if (changed === 0)
    return (
      <p className={`note ${isMeantToChange ? 'warn' : 'good'}`}>None of {looked} would be decided differently.</p>
    );
  return (
    <>
      <p className="note warn">
        {shortNumber(changed)} of {looked} would be decided differently.
      </p>
      <div
        className="table scrolled"
        tabIndex={0}
        role="region"
        aria-label="Requests that would be decided differently"
      >
        <DataTable columns={columns} rows={changes} rowKey={({ last }) => last} />
      </div>
    </>
  );
}

const outcomes: Readonly<Record<ImpactOutcome, { readonly tone: string; readonly text: string }>> = {
  ALLOWED: { tone: 'allow', text: 'Allowed' },
  MONITORED: { tone: 'warn flush', text: 'Monitored' },
  POLICY_DENIED: { tone: 'deny', text: 'Denied' },
  APPROVAL_REQUIRED: { tone: 'warn flush', text: 'Asks a person' },
  PLACEHOLDER_NOT_GRANTED: { tone: 'deny', text: 'Secret not granted' },
};

function Judged({ outcome, rule }: Judgement) {
  const { tone, text } = outcomes[outcome];
  return (
    <>
      <span className={`tag ${tone}`}>{text}</span> <span className="dim">{whyText(outcome, rule)}</span>
    </>
  );
}

/** Why policy says so, for a person. */
function whyText(outcome: ImpactOutcome, rule: string | null): string {
  if (rule === null)
    return outcome === 'MONITORED' ? 'no rule covers it, and nothing is enforced' : 'no rule allows it';
  switch (outcome) {
    case 'ALLOWED':
      return `by ${ruleName(rule)}`;
    case 'MONITORED':
      return `${ruleName(rule)} is only monitored`;
    case 'POLICY_DENIED':
      return `by ${ruleName(rule)}`;
    case 'APPROVAL_REQUIRED':
      return `until somebody approves it, by ${ruleName(rule)}`;
    case 'PLACEHOLDER_NOT_GRANTED':
      return `${ruleName(rule)} lets it pass without the secret that it used`;
  }
}

const columns: readonly Column<ImpactRow>[] = [
  { head: 'Agent', cell: ({ agent }) => agent },
  {
    head: 'Request',
    kind: 'mono',
    cell: ({ method, host, port, path }) => (
      <>
        <span className="method">{method}</span> {host}
        {port !== 443 && `:${port}`}
        {path}
      </>
    ),
  },
  { head: 'Times', kind: 'number', cell: ({ requests }) => shortNumber(requests) },
  { head: 'Until now', cell: ({ before }) => <Judged {...before} /> },
  { head: 'With this', cell: ({ after }) => <Judged {...after} /> },
];
