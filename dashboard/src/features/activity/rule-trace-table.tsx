import type { ExplainEventQuery } from '../../gql/graphql.ts';
import { RuleLink } from '../../ui/rule-link.tsx';

type Trace = NonNullable<ExplainEventQuery['explain']['now']>['trace'];

const matchTexts = {
  COVERS: 'covers it',
  NOT_IN_FORCE: 'not in force now',
  OTHER_HOST: 'other host',
  OTHER_METHOD: 'other method',
  OTHER_PATH: 'other path',
} as const;

/** What each rule says of a request; the one that decides stands out. */
export function RuleTraceTable({ trace }: { readonly trace: Trace }) {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th scope="col">Rule</th>
          <th scope="col">Effect</th>
          <th scope="col">Here</th>
        </tr>
      </thead>
      <tbody>
        {trace.map(({ rule, effect, match, decides, isMonitored, secrets, asksForApproval }) => (
          <tr key={rule} className={decides ? 'decides' : undefined}>
            <td>
              <RuleLink rule={rule} />
            </td>
            <td>
              {effect === 'ALLOW' ? 'allow' : 'deny'}
              {asksForApproval && ', if a person approves'}
              {isMonitored && ' (monitored)'}
              {secrets.length > 0 && <span className="dim"> {secrets.join(', ')}</span>}
            </td>
            <td>{decides ? <strong>decides</strong> : matchTexts[match]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
