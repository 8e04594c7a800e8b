import { VisuallyHidden } from '@mantine/core';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type ApprovalRowFragment, EndApprovalDocument } from '../../gql/graphql.ts';
import { AgoText } from '../../ui/ago-text.tsx';
import { useClock } from '../../ui/clock.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';
import { AgentLink } from './agent-link.tsx';
import { standingOf, targetText } from './approval-texts.ts';
import { RequestCell } from './request-cell.tsx';

interface DecidedTableProps {
  readonly rows: readonly ApprovalRowFragment[];
  readonly reread: () => Promise<void>;
}

/** What does not wait any more: what was decided, by whom, and until when it holds. */
export function DecidedTable({ rows, reread }: DecidedTableProps) {
  return <DataTable caption="Decided" rows={rows} rowKey={({ id }) => id} columns={columnsWith(reread)} />;
}

const none = <span className="dim">–</span>;

function columnsWith(reread: () => Promise<void>): readonly Column<ApprovalRowFragment>[] {
  return [
    { head: 'Agent', isMinor: true, cell: ({ agent }) => <AgentLink name={agent} /> },
    {
      head: 'Request',
      kind: 'target',
      cell: (approval) => <RequestCell approval={approval}>{untilOf(approval)}</RequestCell>,
    },
    { head: 'Rule', isMinor: true, cell: ({ rule }) => <RuleLink rule={rule} /> },
    { head: 'State', cell: (approval) => <State approval={approval} /> },
    { head: 'By', isMinor: true, cell: ({ decidedBy }) => decidedBy ?? none },
    { head: 'Until', isMinor: true, cell: untilOf },
    { head: <VisuallyHidden>End</VisuallyHidden>, cell: (approval) => <End approval={approval} done={reread} /> },
  ];
}

function untilOf({ endsAt }: ApprovalRowFragment) {
  return endsAt === null ? none : <AgoText at={endsAt} />;
}

function State({ approval }: { readonly approval: ApprovalRowFragment }) {
  const { tone, text } = standingOf(approval, useClock());
  return (
    <>
      <span className={`tag ${tone}`}>{text}</span>
      {approval.isWholeRule && <span className="dim"> the whole rule</span>}
    </>
  );
}

interface EndProps {
  readonly approval: ApprovalRowFragment;
  readonly done: () => Promise<void>;
}

function End({ approval, done }: EndProps) {
  const { id, agent, state, method } = approval;
  const act = useAct(EndApprovalDocument, done);
  const refused = useRefusal('approval:decide');
  if (!standingOf(approval, useClock()).isInForce) return null;
  return (
    <Confirm label="End" title="End it now?" act={act({ id })} isDangerous={state === 'APPROVED'} refused={refused}>
      <p>
        <code>
          {method} {targetText(approval)}
        </code>
        : {agent} {state === 'APPROVED' ? 'is refused from the next request on' : 'stays refused'}, and may ask again.
      </p>
    </Confirm>
  );
}
