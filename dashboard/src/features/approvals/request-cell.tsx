import type { ApprovalRowFragment } from '../../gql/graphql.ts';
import { RuleLink } from '../../ui/rule-link.tsx';
import { AgentLink } from './agent-link.tsx';
import { targetText } from './approval-texts.ts';

/** What was asked for; on a narrow screen by whom, and which rule asks, too. */
export function RequestCell({ approval }: { readonly approval: ApprovalRowFragment }) {
  const { agent, rule, method } = approval;
  const target = targetText(approval);
  return (
    <>
      <code title={`${method} ${target}`}>
        <span className="method">{method}</span> {target}
      </code>
      <div className="narrow-only dim">
        <AgentLink name={agent} /> · <RuleLink rule={rule} />
      </div>
    </>
  );
}
