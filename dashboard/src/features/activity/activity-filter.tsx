import { SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { AuditFilterInput } from '../../gql/graphql.ts';

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
      <FilterText name="agent" label="Agent" value={parameters.get('agent') ?? ''} set={set} />
      <FilterText name="host" label="Host" value={parameters.get('host') ?? ''} set={set} />
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

interface FilterTextProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly set: (name: string, value: string) => void;
}

function FilterText({ name, label, value, set }: FilterTextProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const setSoon = useDebouncedCallback((next: string) => set(name, next.trim()), 300);
  return (
    <TextInput
      type="search"
      size="xs"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        setSoon(event.currentTarget.value);
      }}
    />
  );
}
