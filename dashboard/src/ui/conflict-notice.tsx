import { Button } from '@mantine/core';
import type { FieldDifference } from './differences.ts';

interface ConflictNoticeProps {
  /** Undefined: it was deleted. */
  readonly differences: readonly FieldDifference[] | undefined;
  readonly isBusy: boolean;
  readonly writeMine: () => void;
  readonly takeTheirs: () => void;
}

/** Somebody else wrote the object while the form was open: what is different now, and what to do about it. */
export function ConflictNotice({ differences, isBusy, writeMine, takeTheirs }: ConflictNoticeProps) {
  return (
    <div role="alert" className="note warn stack">
      <strong>
        {differences === undefined
          ? 'It was deleted meanwhile. What you typed is still here, and nothing of it was written.'
          : 'Somebody else changed it meanwhile. What you typed is still here, and nothing of it was written.'}
      </strong>
      {differences !== undefined && differences.length > 0 && <Differences differences={differences} />}
      <div className="actions">
        {differences !== undefined && (
          <Button size="xs" onClick={writeMine} loading={isBusy}>
            Write what I changed
          </Button>
        )}
        <Button size="xs" variant="default" onClick={takeTheirs}>
          {differences === undefined ? 'Leave it' : 'Drop mine, show theirs'}
        </Button>
      </div>
    </div>
  );
}

function Differences({ differences }: { readonly differences: readonly FieldDifference[] }) {
  return (
    <table className="rows">
      <caption>What they changed</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">When you opened it</th>
          <th scope="col">Now</th>
        </tr>
      </thead>
      <tbody>
        {differences.map(({ field, before, after }) => (
          <tr key={field}>
            <th scope="row">{field}</th>
            <td className="mono">{before}</td>
            <td className="mono">{after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
