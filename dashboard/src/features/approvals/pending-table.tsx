import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type ApprovalRowFragment, DenyApprovalDocument } from '../../gql/graphql.ts';
import { AgoText } from '../../ui/ago-text.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';
import { AgentLink } from './agent-link.tsx';
import { asksText, targetText } from './approval-texts.ts';
import { Approve } from './approve.tsx';
import { RequestCell } from './request-cell.tsx';

interface PendingTableProps {
  readonly rows: readonly ApprovalRowFragment[];
  readonly reread: () => Promise<void>;
}

/** What waits for a decision, and how to decide. */
export function PendingTable({ rows, reread }: PendingTableProps) {
  return <DataTable caption="Waiting" rows={rows} rowKey={({ id }) => id} columns={columnsWith(reread)} />;
}

function columnsWith(reread: () => Promise<void>): readonly Column<ApprovalRowFragment>[] {
  return [
    { head: 'Agent', isMinor: true, cell: ({ agent }) => <AgentLink name={agent} /> },
    {
      head: 'Request',
      kind: 'target',
      cell: (approval) => (
        <RequestCell approval={approval}>
          {asksText(approval.asks)}, first <AgoText at={approval.askedAt} />
        </RequestCell>
      ),
    },
    { head: 'Rule', isMinor: true, cell: ({ rule }) => <RuleLink rule={rule} /> },
    { head: 'Since', isMinor: true, cell: ({ askedAt }) => <AgoText at={askedAt} /> },
    { head: 'Asked', isMinor: true, cell: ({ asks }) => <span className="whole">{asksText(asks)}</span> },
    {
      head: 'Decide',
      cell: (approval) => (
        <div className="decide">
          <Approve approval={approval} done={reread} />
          <Deny approval={approval} done={reread} />
        </div>
      ),
    },
  ];
}

interface DenyProps {
  readonly approval: ApprovalRowFragment;
  readonly done: () => Promise<void>;
}

function Deny({ approval, done }: DenyProps) {
  const { id, agent, method } = approval;
  const act = useAct(DenyApprovalDocument, done);
  return (
    <Confirm
      label="Deny"
      title={`Deny it to ${agent}?`}
      act={act({ id })}
      isDangerous
      refused={useRefusal('approval:decide')}
    >
      <p>
        <code>
          {method} {targetText(approval)}
        </code>{' '}
        stays refused, and for an hour nobody is asked for it again.
      </p>
    </Confirm>
  );
}
