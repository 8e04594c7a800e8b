import { SegmentedControl } from '@mantine/core';
import { useSearchParams } from 'react-router';
import type { AuditFilterInput } from '../../gql/graphql.ts';
import { SearchText } from '../../ui/search-text.tsx';

/** The filter as the address has it, so that it can be kept, sent on and gone back to. */
export function useActivityFilter(): AuditFilterInput {
  const [parameters] = useSearchParams();
  const decision = parameters.get('decision');
  const agent = parameters.get('agent');
  const host = parameters.get('host');
  return {
    ...(agent && { agent }),
    ...(host && { host }),
    ...((decision === 'ALLOW' || decision === 'DENY') && { decision }),
  };
}

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
    </search>
  );
}
