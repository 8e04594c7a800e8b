import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import { approvalContext } from '@onecli/shared/seal-contexts';
import type { EntityManager } from 'typeorm';
import { type AskedApproval, fingerprintOf } from './approval-body.ts';

export const approvalStates = ['PENDING', 'APPROVED', 'DENIED', 'ENDED'] as const;
export type ApprovalState = (typeof approvalStates)[number];

/** An approval as it is stored, with what was asked opened. */
export interface Approval extends AskedApproval {
  readonly id: string;
  readonly state: ApprovalState;
  /** How often the agent was refused for want of it since it was last asked for anew. */
  readonly asks: number;
  readonly askedAt: Date;
  readonly lastAskedAt: Date;
  readonly decidedAt: Date | null;
  /** `user:alice`. */
  readonly decidedBy: string | null;
  /** Of one that is approved: until then. Of one that is denied: before then it is not asked for again. */
  readonly endsAt: Date | null;
  /** It was approved for all that the rule covers, and not for this request alone. */
  readonly isWholeRule: boolean;
}

interface StoredApproval {
  readonly id: string;
  readonly sealed: Buffer;
  readonly state: ApprovalState;
  readonly asks: number;
  readonly askedAt: Date;
  readonly lastAskedAt: Date;
  readonly decidedAt: Date | null;
  readonly decidedBy: string | null;
  readonly endsAt: Date | null;
  readonly isWholeRule: boolean;
}

/** Nobody decided within a day. */
const lapsed = `(a.state = 'PENDING' AND a.last_asked_at < now() - interval '1 day')`;
const columns = `a.id, a.sealed_body AS sealed, a.asks, a.asked_at AS "askedAt", a.last_asked_at AS "lastAskedAt",
  CASE WHEN ${lapsed} OR (a.state = 'APPROVED' AND a.ends_at <= now()) THEN 'ENDED' ELSE a.state END AS state,
  a.decided_at AS "decidedAt", a.decided_by AS "decidedBy", a.ends_at AS "endsAt", a.is_whole_rule AS "isWholeRule"`;

/** So much of one agent waits at most: more is not kept, and is asked for again when some of it was decided. */
const maxPendingOfAgent = 50;

/** A place in the list, which runs from the newest to the oldest: after this one. */
export interface ApprovalPlace {
  readonly askedAt: Date;
  readonly id: string;
}

export interface ApprovalSelection {
  readonly states?: readonly ApprovalState[] | undefined;
  readonly after?: ApprovalPlace | undefined;
  readonly limit: number;
}

/** Some, and where the list goes on; undefined when it does not. */
export interface ApprovalRows {
  readonly approvals: readonly Approval[];
  readonly next: ApprovalPlace | undefined;
}

/** The newest first. A body that does not open, because its row was altered, is left out: nobody decides by it. */
export async function listApprovals(
  manager: EntityManager,
  keyring: Keyring,
  { states, after, limit }: ApprovalSelection,
): Promise<ApprovalRows> {
  const rows = await manager.query<StoredApproval[]>(
    `SELECT * FROM (SELECT ${columns} FROM approval a WHERE $1::timestamptz IS NULL OR (a.asked_at, a.id) < ($1, $2)) shown
     WHERE $3::text[] IS NULL OR state = ANY ($3) ORDER BY "askedAt" DESC, id DESC LIMIT $4`,
    [after?.askedAt ?? null, after?.id ?? null, states ?? null, limit],
  );
  return {
    approvals: rows.flatMap((row) => opened(keyring, row) ?? []),
    next: rows.length < limit ? undefined : rows.at(-1),
  };
}

/** One by its id; undefined when there is none, or it does not open. */
export async function findApproval(
  manager: EntityManager,
  keyring: Keyring,
  id: string,
  isLocked = false,
): Promise<Approval | undefined> {
  const lock = isLocked ? 'FOR UPDATE' : '';
  const [row] = await manager.query<StoredApproval[]>(`SELECT ${columns} FROM approval a WHERE a.id = $1 ${lock}`, [
    id,
  ]);
  return row && opened(keyring, row);
}

function opened(keyring: Keyring, { sealed, ...row }: StoredApproval): Approval | undefined {
  const body = openBody(keyring, row.id, sealed);
  return body && { ...row, ...body };
}

function openBody(keyring: Keyring, id: string, sealed: Buffer): AskedApproval | undefined {
  try {
    return JSON.parse(open(keyring, approvalContext(id), sealed).toString('utf8')) as AskedApproval;
  } catch (error) {
    if (error instanceof VaultFault) return undefined;
    throw error;
  }
}

export interface Ask {
  readonly asked: AskedApproval;
  readonly count: number;
  readonly lastMs: number;
}

/**
 * Keeps that an agent asked. What is decided stays so: it is asked for anew when its time is over, or a person has ended it, and
 * the agent asked after that.
 */
export async function keepAsk(
  manager: EntityManager,
  { keyring, fingerprintKey }: { readonly keyring: Keyring; readonly fingerprintKey: Buffer },
  { id, asked, count, lastMs }: Ask & { readonly id: string },
): Promise<void> {
  const sealed = seal(keyring, approvalContext(id), Buffer.from(JSON.stringify(asked), 'utf8'));
  const isAnew = `(e.last_asked_at > coalesce(a.decided_at, '-infinity') AND
    (a.state = 'ENDED' OR (a.state <> 'PENDING' AND a.ends_at <= e.last_asked_at)
     OR (a.state = 'PENDING' AND a.last_asked_at < e.last_asked_at - interval '1 day')))`.replaceAll('e.', 'excluded.');
  await manager.query(
    `INSERT INTO approval AS a (id, fingerprint, agent_id, sealed_body, state, asks, asked_at, last_asked_at)
     SELECT $1, $2, g.id, $4, 'PENDING', $5, date_trunc('milliseconds', to_timestamp($6::float8 / 1000)), to_timestamp($6::float8 / 1000)
     FROM agent g WHERE g.id = $3 AND (EXISTS (SELECT FROM approval k WHERE k.fingerprint = $2)
       OR (SELECT count(*) FROM approval p WHERE p.agent_id = $3 AND p.state = 'PENDING') < $7)
     ON CONFLICT (fingerprint) DO UPDATE SET
       asks = CASE WHEN ${isAnew} THEN excluded.asks ELSE least(a.asks::bigint + excluded.asks, 2000000000) END,
       asked_at = CASE WHEN ${isAnew} THEN excluded.asked_at ELSE a.asked_at END,
       state = CASE WHEN ${isAnew} THEN 'PENDING' ELSE a.state END,
       last_asked_at = greatest(a.last_asked_at, excluded.last_asked_at)`,
    [id, fingerprintOf(fingerprintKey, asked), asked.agentId, sealed, count, lastMs, maxPendingOfAgent],
  );
}
