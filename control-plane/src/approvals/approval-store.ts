import { isDeepStrictEqual } from 'node:util';
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
  /** The name of one. */
  readonly agent?: string | undefined;
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
  { states, agent, after, limit }: ApprovalSelection,
): Promise<ApprovalRows> {
  const rows = await manager.query<StoredApproval[]>(
    `SELECT * FROM (SELECT ${columns} FROM approval a
       WHERE ($1::timestamptz IS NULL OR (a.asked_at, a.id) < ($1, $2)) AND ($3::text[] IS NULL OR a.state = ANY ($4))
         AND ($5::text IS NULL OR a.agent_id = (SELECT g.id FROM agent g WHERE g.name = $5))) shown
     WHERE $3::text[] IS NULL OR state = ANY ($3) ORDER BY "askedAt" DESC, id DESC LIMIT $6`,
    [after?.askedAt ?? null, after?.id ?? null, states ?? null, storedStates(states), agent ?? null, limit],
  );
  return {
    approvals: rows.flatMap((row) => opened(keyring, row) ?? []),
    next: rows.length < limit ? undefined : rows.at(-1),
  };
}

/** What is over may be stored as what it was. */
function storedStates(states: readonly ApprovalState[] = []): readonly ApprovalState[] {
  return states.includes('ENDED') ? approvalStates : states;
}

const shownOfAgent = 10;
const mostShown = 1_000;

/** What waits, the newest first, ten of each agent at most: one that asks for much hides nothing of the others. */
export async function listWaiting(manager: EntityManager, keyring: Keyring): Promise<Approval[]> {
  const rows = await manager.query<StoredApproval[]>(
    `SELECT ${columns} FROM (SELECT *, row_number() OVER (PARTITION BY agent_id ORDER BY asked_at DESC, id) AS place
       FROM approval WHERE state = 'PENDING' AND last_asked_at >= now() - interval '1 day') a
     WHERE a.place <= $1 ORDER BY a.asked_at DESC, a.id DESC LIMIT $2`,
    [shownOfAgent, mostShown],
  );
  return rows.flatMap((row) => opened(keyring, row) ?? []);
}

/** Whether the agent that asked, by what is sealed, is the one whose row it is. */
export async function isOfAgent(manager: EntityManager, { id, agentId, agent }: Approval): Promise<boolean> {
  const rows: unknown[] = await manager.query(
    'SELECT FROM approval a JOIN agent g ON g.id = a.agent_id WHERE a.id = $1 AND g.id = $2 AND g.name = $3',
    [id, agentId, agent],
  );
  return rows.length > 0;
}

/** One by its id; undefined when there is none, or it does not open. */
export async function findApproval(
  manager: EntityManager,
  keyring: Keyring,
  { id, isLocked }: { readonly id: string; readonly isLocked?: true | undefined },
): Promise<Approval | undefined> {
  const lock = isLocked === true ? 'FOR UPDATE' : '';
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

/** The keys that asks are sealed and told apart with. */
interface AskKeys {
  readonly keyring: Keyring;
  readonly fingerprintKey: Buffer;
}

/** Whether one thing more of an agent may wait. What nobody decided within a day waits no more. */
const hasRoom = (agentId: string) => `(SELECT count(*) FROM approval p WHERE p.agent_id = ${agentId}
  AND p.state = 'PENDING' AND p.last_asked_at > now() - interval '1 day') < ${maxPendingOfAgent}`;

/**
 * Keeps that an agent asked. What is decided stays so: it is asked for anew when its time is over, or a person has ended it, and
 * the agent asked after that. Several processes may keep the same at once.
 * @param ask with the id that it gets when it is not known yet
 */
export async function keepAsk(
  manager: EntityManager,
  keys: AskKeys,
  ask: Ask & { readonly id: string },
): Promise<void> {
  const fingerprint = fingerprintOf(keys.fingerprintKey, ask.asked);
  let known = await knownAsk(manager, fingerprint);
  if (known === undefined) {
    const sealed = sealBody(keys.keyring, ask.id, ask.asked);
    if (await insertAsk(manager, ask, fingerprint, sealed)) return;
    known = await knownAsk(manager, fingerprint);
  }
  if (known !== undefined) await askAgain(manager, ask, known.id, renewedBody(keys, ask.asked, known));
}

type KnownAsk = Pick<StoredApproval, 'id' | 'sealed'>;

async function knownAsk(manager: EntityManager, fingerprint: Buffer): Promise<KnownAsk | undefined> {
  const select = 'SELECT id, sealed_body AS sealed FROM approval WHERE fingerprint = $1';
  const [known] = await manager.query<KnownAsk[]>(select, [fingerprint]);
  return known;
}

/**
 * The body with the place that the rule has now; null where the row keeps its own. One that was altered is left as it is: a person who
 * looks at one thing must not come to decide another under its id.
 */
function renewedBody({ keyring, fingerprintKey }: AskKeys, asked: AskedApproval, { id, sealed }: KnownAsk) {
  const stored = openBody(keyring, id, sealed);
  if (stored === undefined || isDeepStrictEqual(stored, asked)) return null;
  const isSame = fingerprintOf(fingerprintKey, stored).equals(fingerprintOf(fingerprintKey, asked));
  return isSame ? sealBody(keyring, id, asked) : null;
}

function sealBody(keyring: Keyring, id: string, asked: AskedApproval): Buffer {
  return seal(keyring, approvalContext(id), Buffer.from(JSON.stringify(asked), 'utf8'));
}

/** False when it is there already, too much of the agent waits, or there is no such agent. */
async function insertAsk(
  manager: EntityManager,
  { id, asked, count, lastMs }: Ask & { readonly id: string },
  fingerprint: Buffer,
  sealed: Buffer,
): Promise<boolean> {
  const inserted = await manager.query<unknown[]>(
    `INSERT INTO approval (id, fingerprint, agent_id, sealed_body, state, asks, asked_at, last_asked_at)
     SELECT $1, $2, g.id, $4, 'PENDING', $5, date_trunc('milliseconds', to_timestamp($6::float8 / 1000)), to_timestamp($6::float8 / 1000)
     FROM agent g WHERE g.id = $3 AND ${hasRoom('g.id')} ON CONFLICT (fingerprint) DO NOTHING RETURNING id`,
    [id, fingerprint, asked.agentId, sealed, count, lastMs],
  );
  return inserted.length > 0;
}

async function askAgain(manager: EntityManager, { count, lastMs }: Ask, id: string, sealed: Buffer | null) {
  const asked = 'to_timestamp($3::float8 / 1000)';
  const isAnew = `(${asked} > coalesce(a.decided_at, '-infinity') AND
    (a.state = 'ENDED' OR (a.state <> 'PENDING' AND a.ends_at <= ${asked})
     OR (a.state = 'PENDING' AND a.last_asked_at < ${asked} - interval '1 day')))`;
  await manager.query(
    `UPDATE approval a SET
       asks = CASE WHEN ${isAnew} THEN $2 ELSE least(a.asks::bigint + $2, 2000000000) END,
       asked_at = CASE WHEN ${isAnew} THEN date_trunc('milliseconds', ${asked}) ELSE a.asked_at END,
       state = CASE WHEN ${isAnew} THEN 'PENDING' ELSE a.state END,
       last_asked_at = greatest(a.last_asked_at, ${asked}),
       sealed_body = coalesce($4, a.sealed_body)
     WHERE a.id = $1 AND (${isAnew} IS NOT TRUE OR ${hasRoom('a.agent_id')})`,
    [id, count, lastMs, sealed],
  );
}
