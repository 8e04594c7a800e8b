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

const moreFilters = ['since', 'until', 'reason', 'failed', 'findings'] as const;

/** The controls of the filter. */
export function ActivityFilter() {
  const [parameters, setParameters] = useSearchParams();
  const set = (name: string, value: string) =>
    setParameters(
      (before) => {
        if (value === '') before.delete(name);
        else before.set(name, value);
        before.delete('event');
        return before;
      },
      { replace: true },
    );
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
      {moreFilters.map((name) => {
        const value = parameters.get(name);
        return value !== null && <FilterChip key={name} name={name} value={value} remove={() => set(name, '')} />;
      })}
    </search>
  );
}

interface FilterChipProps {
  readonly name: (typeof moreFilters)[number];
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
