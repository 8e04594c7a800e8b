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

export async function decide(
  manager: EntityManager,
  id: string,
  { state, by, endsAt, isWholeRule }: Decision,
): Promise<void> {
  await manager.query(
    `UPDATE approval SET state = $2, decided_at = now(), decided_by = $3, ends_at = $4, is_whole_rule = $5 WHERE id = $1`,
    [id, state, by, endsAt, isWholeRule],
  );
}

/** Takes away what an approval lifts, if it does. */
export async function removeLift(tx: ConfigTransaction, id: string): Promise<void> {
  await remove(tx, 'p.id = $1', [id]);
}

/** What is over lifts nothing any more; its row goes with the next decision. */
export async function removeEnded(tx: ConfigTransaction): Promise<void> {
  await remove(
    tx,
    `NOT EXISTS (SELECT FROM approval a WHERE a.id = p.id AND a.state = 'APPROVED' AND a.ends_at > now())`,
    [],
  );
}

/** What an agent was allowed by persons ends with it. To be called while it is still there. */
export async function removeLiftsOf(tx: ConfigTransaction, agentId: string): Promise<void> {
  await remove(tx, 'p.id IN (SELECT a.id FROM approval a WHERE a.agent_id = $1)', [agentId]);
}

async function remove(tx: ConfigTransaction, condition: string, parameters: unknown[]): Promise<void> {
  const [rows] = await tx.manager.query<[{ id: string }[], number]>(
    `DELETE FROM policy p WHERE p.name LIKE 'approval/%' AND ${condition} RETURNING p.id`,
    parameters,
  );
  for (const { id } of rows) tx.changed('policy', id, 'remove');
}
