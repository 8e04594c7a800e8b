import { X509Certificate } from 'node:crypto';
import { type AuthorityKind, openAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import { Fault } from '@onecli/shared/fault';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import { authorityEntities, type AuthorityRow } from './authority.entity.ts';
import { type AuthorityHolders, holdersOf } from './authority-holders.ts';
import { stateOf, workersNotSigningWith, workersWithout } from './authority-store.ts';

const hourMs = 3_600_000;
/** So many agents are named where something is refused because of them. */
const maxNamed = 20;

/** An authority and what kind it is of. */
interface Target {
  readonly kind: AuthorityKind;
  readonly row: Pick<AuthorityRow, 'id' | 'certificatePem'>;
}

/** Stores the next authority, with when it becomes active by itself. */
export async function storeNext(
  tx: ConfigTransaction,
  { kind, row }: { readonly kind: AuthorityKind; readonly row: AuthorityRecord },
  { action, overlapHours }: { readonly action: string; readonly overlapHours: number },
): Promise<void> {
  const now = Date.now();
  const activatesAt = new Date(now + overlapHours * hourMs);
  await tx.manager.insert(authorityEntities[kind], { ...row, isActive: false, createdAt: new Date(now), activatesAt });
  recordStep(tx, action, { kind, row }, { activatesAt: activatesAt.toISOString() });
}

/** Announces a step to the workers, and puts it into the trail. */
export function recordStep(
  tx: ConfigTransaction,
  action: string,
  { kind, row: { id, certificatePem } }: Target,
  detail: Readonly<Record<string, unknown>>,
): void {
  tx.changed('authority', id, action === 'authority:retire' ? 'remove' : 'upsert');
  tx.audit(action, 'authority', id, { kind, ...detail, fingerprint: fingerprintOf(certificatePem) });
}

function fingerprintOf(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return '';
  }
}

/** @throws Fault CONFLICT while the overlap lasts */
export function requireOverlapOver(kind: AuthorityKind, { activatesAt, createdAt }: AuthorityRow): void {
  if (activatesAt === null || activatesAt <= new Date()) return;
  const why = {
    GATEWAY: `agents that were given their authorities before ${createdAt.toISOString()} do not trust the next one. If none of them runs any more, activate it early`,
    CLIENT: 'to issue by the next one now, activate it early',
  }[kind];
  throw new Fault('CONFLICT', `The overlap lasts until ${activatesAt.toISOString()}: ${why}`, { field: 'isEarly' });
}

/** @throws Fault CONFLICT when it was altered, or has expired */
export function requireOpens(kind: AuthorityKind, keyring: Keyring, next: AuthorityRow): void {
  try {
    const { notAfter } = openAuthority(kind, keyring, next);
    if (notAfter > new Date()) return;
  } catch (cause) {
    throw new Fault('CONFLICT', 'The row of the next authority was altered: retire it and rotate anew', { cause });
  }
  throw new Fault('CONFLICT', 'The next authority has expired: retire it and rotate anew');
}

/** @throws Fault CONFLICT while a live worker does not hand out the next authority of the gateway, or trust that of clients */
export async function requireTaken(manager: EntityManager, kind: AuthorityKind, next: AuthorityRow): Promise<void> {
  const verb = { GATEWAY: 'hand out', CLIENT: 'trust' }[kind];
  requireNone(await workersWithout(manager, next.id), `do not ${verb} the next authority yet`);
}

function requireNone(workers: readonly string[], what: string): void {
  if (workers.length > 0) throw new Fault('CONFLICT', `Live workers ${what}: ${workers.join(', ')}`);
}

/** @throws Fault CONFLICT for the active authority, and while a live worker is behind */
export async function requireRetirable(
  manager: EntityManager,
  kind: AuthorityKind,
  retired: readonly AuthorityRow[],
  rows: readonly AuthorityRow[],
): Promise<void> {
  if (retired.some(({ isActive }) => isActive))
    throw new Fault('CONFLICT', 'This authority signs: rotate, and activate the next one first', { field: 'id' });
  const active = rows.find(({ isActive }) => isActive);
  if (active === undefined || retired.every((row) => stateOf(row) === 'NEXT')) return;
  const verb = { GATEWAY: 'sign with', CLIENT: 'trust' }[kind];
  requireNone(await workersBehind(manager, kind, active.id), `do not ${verb} the active authority yet`);
}

/**
 * Gives the names of the agents that have certificates by client authorities.
 * @throws Fault CONFLICT when there are any, or may be, unless it is forced
 */
export async function requireUnheld(
  manager: EntityManager,
  retired: readonly AuthorityRow[],
  isForced: boolean,
): Promise<string[]> {
  const all: AuthorityHolders[] = [];
  for (const row of retired) all.push(await holdersOf(manager, row.id));
  const agents = [...new Set(all.flatMap(({ holders }) => holders.map(({ agent }) => agent)))];
  const found = all.flatMap(describeHolders);
  if (isForced || found.length === 0) return agents;
  throw new Fault(
    'CONFLICT',
    `${found.join('; ')}. Issue new ones for them, or force it: the old ones are refused then`,
    {
      field: 'isForced',
    },
  );
}

function describeHolders({ holders, holderCount, unrecordedUntil }: AuthorityHolders): string[] {
  const named = holders
    .slice(0, maxNamed)
    .map(
      ({ agent, expiresAt, isRenewed }) => `${agent} (until ${expiresAt.toISOString()}${isRenewed ? ', renewed' : ''})`,
    );
  const others = holderCount > named.length ? ` and ${holderCount - named.length} more` : '';
  return [
    ...(holderCount > 0 ? [`Agents have unexpired certificates by it: ${named.join(', ')}${others}`] : []),
    ...(unrecordedUntil === null
      ? []
      : [`Certificates that an earlier release issued may be good until ${unrecordedUntil.toISOString()}`]),
  ];
}

/** Live workers that the next step of a rotation waits for. */
export async function waitingFor(
  manager: EntityManager,
  kind: AuthorityKind,
  rows: readonly AuthorityRow[],
): Promise<string[]> {
  const next = rows.find((row) => stateOf(row) === 'NEXT');
  if (next !== undefined) return workersWithout(manager, next.id);
  const active = rows.find(({ isActive }) => isActive);
  return active !== undefined && rows.length > 1 ? workersBehind(manager, kind, active.id) : [];
}

/** Workers that have not taken over the active authority: they sign with another, or do not trust it. */
function workersBehind(manager: EntityManager, kind: AuthorityKind, id: string): Promise<string[]> {
  return kind === 'GATEWAY' ? workersNotSigningWith(manager, id) : workersWithout(manager, id);
}
