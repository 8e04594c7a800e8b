import { parsePolicy } from './parse-policy.ts';
import { type PolicyDifference, policyDifferences } from './policy-differences.ts';

interface PolicyChangesProps {
  /** How the policy is; undefined: there is none of the name yet. */
  readonly saved: string | undefined;
  readonly text: string;
}

/** What saving would change of the policy itself, in words. */
export function PolicyChanges({ saved, text }: PolicyChangesProps) {
  const after = parsePolicy(text);
  const before = saved === undefined ? {} : parsePolicy(saved);
  // What is wrong with the text the form says.
  if (typeof after === 'string' || typeof before === 'string') return null;
  const differences = policyDifferences(before, after);
  if (saved !== undefined && differences.length === 0) return <p className="dim">Nothing is changed yet.</p>;
  return <DifferenceTable caption={saved === undefined ? 'A new policy' : 'What changes'} differences={differences} />;
}

interface DifferenceTableProps {
  readonly caption: string;
  readonly differences: readonly PolicyDifference[];
}

/** What was, and what comes in its place. */
export function DifferenceTable({ caption, differences }: DifferenceTableProps) {
  return (
    <table className="rows changes">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {differences.map(({ what, before, after }, index) => (
          <tr key={index}>
            <th scope="row">{what}</th>
            <td>{before === undefined ? <span className="dim">–</span> : <del>{before}</del>}</td>
            <td>{after === undefined ? <span className="dim">–</span> : <ins>{after}</ins>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
