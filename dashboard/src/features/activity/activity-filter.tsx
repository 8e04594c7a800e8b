import { SegmentedControl } from '@mantine/core';
import { useSearchParams } from 'react-router';
import type { AuditFilterInput } from '../../gql/graphql.ts';
import { SearchText } from '../../ui/search-text.tsx';
import { TimeText } from '../../ui/time-text.tsx';

/** The filter as the address has it, so that it can be kept, sent on and gone back to. */
export function useActivityFilter(): AuditFilterInput {
  const [parameters] = useSearchParams();
  const decision = parameters.get('decision');
  const agent = parameters.get('agent');
  const host = parameters.get('host');
  const reason = parameters.get('reason');
  const since = momentOf(parameters.get('since'));
  const until = momentOf(parameters.get('until'));
  return {
    ...(agent && { agent }),
    ...(host && { host }),
    ...(reason && { reason }),
    ...(since && { since }),
    ...(until && { until }),
    ...(parameters.get('failed') === 'true' && { hasFailed: true }),
    ...(parameters.get('findings') === 'true' && { hasFindings: true }),
    ...((decision === 'ALLOW' || decision === 'DENY') && { decision }),
  };
}

/** A moment of the address; undefined where it is none. */
function momentOf(text: string | null): string | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

type FilterName = 'agent' | 'host' | 'decision' | 'since' | 'until' | 'reason' | 'failed' | 'findings';

function useSetFilter(): (name: string, value: string) => void {
  const [, setParameters] = useSearchParams();
  return (name, value) =>
    setParameters(
      (before) => {
        if (value === '') before.delete(name);
        else before.set(name, value);
        before.delete('event');
        return before;
      },
      { replace: true },
    );
}

/** The controls of the filter. */
export function ActivityFilter() {
  const [parameters] = useSearchParams();
  const set = useSetFilter();
  return (
    <search className="filters">
      <SearchText label="Agent" value={parameters.get('agent') ?? ''} change={(value) => set('agent', value)} />
      <SearchText label="Host" value={parameters.get('host') ?? ''} change={(value) => set('host', value)} />
      <SegmentedControl
        size="xs"
        aria-label="Decision"
        value={parameters.get('decision') ?? ''}
        onChange={(value) => set('decision', value)}
        data={[
          { value: '', label: 'All' },
          { value: 'ALLOW', label: 'Allowed' },
          { value: 'DENY', label: 'Denied' },
        ]}
      />
      <FilterChips names={['since', 'until', 'reason', 'failed', 'findings']} />
    </search>
  );
}

/** The parts of the filter that the address has and that no control shows. */
export function FilterChips({ names }: { readonly names: readonly FilterName[] }) {
  const [parameters] = useSearchParams();
  const set = useSetFilter();
  return names.map((name) => {
    const value = parameters.get(name);
    return value !== null && <FilterChip key={name} name={name} value={value} remove={() => set(name, '')} />;
  });
}

interface FilterChipProps {
  readonly name: FilterName;
  readonly value: string;
  readonly remove: () => void;
}

/** A part of the filter that came with a link, and how to be rid of it. */
function FilterChip({ name, value, remove }: FilterChipProps) {
  return (
    <button type="button" className="chip" onClick={remove} title="Take this part of the filter away">
      {name === 'since' && (
        <>
          From <MomentText value={value} />
        </>
      )}
      {name === 'until' && (
        <>
          Until <MomentText value={value} />
        </>
      )}
      {name === 'reason' && value}
      {(name === 'agent' || name === 'host' || name === 'decision') && `${name} ${value}`}
      {name === 'failed' && 'Failed upstream'}
      {name === 'findings' && 'With findings'}
      <span aria-hidden="true"> ×</span>
    </button>
  );
}

function MomentText({ value }: { readonly value: string }) {
  const moment = momentOf(value);
  return moment === undefined ? <span className="danger">no time: {value}</span> : <TimeText at={moment} />;
}
