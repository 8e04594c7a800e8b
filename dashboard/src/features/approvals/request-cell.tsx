import type { ReactNode } from 'react';
import type { ApprovalRowFragment } from '../../gql/graphql.ts';
import { RuleLink } from '../../ui/rule-link.tsx';
import { AgentLink } from './agent-link.tsx';
import { targetText } from './approval-texts.ts';

interface RequestCellProps {
  readonly approval: ApprovalRowFragment;
  /** What else a narrow screen tells here. */
  readonly children: ReactNode;
}

/** What was asked for; on a narrow screen by whom, and which rule asks, too. */
export function RequestCell({ approval, children }: RequestCellProps) {
  const { agent, rule, method } = approval;
  const target = targetText(approval);
  return (
    <>
      <code className="asked" title={`${method} ${target}`}>
        <span className="method">{method}</span> {target}
      </code>
      <div className="narrow-only dim">
        <AgentLink name={agent} /> · <RuleLink rule={rule} /> · {children}
      </div>
    </>
  );
}
