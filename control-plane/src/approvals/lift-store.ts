/** The rows that decisions change: of approvals, and of the policies by which workers know what is approved. */
import type { EntityManager } from 'typeorm';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import type { ApprovalState } from './approval-store.ts';

interface Decision {
  readonly state: ApprovalState;
  readonly by: string;
  readonly endsAt: Date;
  readonly isWholeRule: boolean;
}

export async function keepDecision(
  manager: EntityManager,
  id: string,
  { state, by, endsAt, isWholeRule }: Decision,
): Promise<void> {
  await manager.query(
    `UPDATE approval SET state = $2, decided_at = now(), decided_by = $3, ends_at = $4, is_whole_rule = $5 WHERE id = $1`,
    [id, state, by, endsAt, isWholeRule],
  );
}

/** Takes away what an approval lifts; gives whether it did. */
export async function removeLift(tx: ConfigTransaction, id: string): Promise<boolean> {
  const [rows] = await tx.manager.query<Deleted>('DELETE FROM policy WHERE id = $1 RETURNING id', [id]);
  tellRemoved(tx, rows);
  return rows.length > 0;
}

/** What is over lifts nothing any more; its row goes with the next decision. */
export async function removeEnded(tx: ConfigTransaction): Promise<void> {
  const [rows] = await tx.manager.query<Deleted>(
    `DELETE FROM policy p WHERE p.name LIKE 'approval/%' AND NOT EXISTS
       (SELECT FROM approval a WHERE a.id = p.id AND a.state = 'APPROVED' AND a.ends_at > now()) RETURNING p.id`,
  );
  tellRemoved(tx, rows);
}

/** What an agent was allowed by persons ends with it. To be called while it is still there. */
export async function removeLiftsOf(tx: ConfigTransaction, agentId: string): Promise<void> {
  const [rows] = await tx.manager.query<Deleted>(
    'DELETE FROM policy p USING approval a WHERE a.id = p.id AND a.agent_id = $1 RETURNING p.id',
    [agentId],
  );
  tellRemoved(tx, rows);
}

type Deleted = readonly [rows: { readonly id: string }[], count: number];

function tellRemoved(tx: ConfigTransaction, rows: Deleted[0]): void {
  for (const { id } of rows) tx.changed('policy', id, 'remove');
}
