/* How far the trail of a boot is written, and that nobody else says so. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readEntry } from '@onecli/shared/domain/audit-entry';
import { chainStart } from '@onecli/shared/vault/audit-chain';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { EntityManager } from 'typeorm';
import type { Boot } from './open-intents.ts';
import { readBlock, type StatedEnds, statedEnds } from './stated-ends.ts';

export interface BootHead {
  readonly through: number;
  /** What the next link follows on, in hex. */
  readonly mac: string;
  readonly isEnded: boolean;
}

/** As it is stored; null where nothing is, the seal also in rows of the release before. */
export interface StoredHead {
  readonly through: string | null;
  readonly mac: string | null;
  readonly is_ended: boolean;
  readonly seal: Buffer | null;
}

export interface HeadKeys {
  readonly keyring: Keyring;
  /** The instance's key for `audit-mac`. */
  readonly macKey: Buffer;
}

/**
 * What is known of a boot. A row whose MAC is wrong is not believed: its head is made anew from the last entries that are kept.
 * `isAltered` says that those say something else; `isEarlyThere` that batches wait for those before them.
 * @param ends of which runs it is known, where it is
 */
export async function readHead(
  manager: EntityManager,
  keys: HeadKeys,
  boot: Boot,
  ends?: StatedEnds,
): Promise<{ readonly head: BootHead; readonly isAltered: boolean; readonly isEarlyThere: boolean }> {
  const start = { through: -1, mac: chainStart(keys.macKey, boot.worker, boot.boot), isEnded: false };
  const [row] = await manager.query<(StoredHead & { is_early_there: boolean })[]>(
    `SELECT b.through, b.mac, b.ended_at IS NOT NULL AS is_ended, b.seal,
       EXISTS (SELECT FROM audit_early_batch WHERE worker = $1 AND boot = $2) AS is_early_there
     FROM (VALUES (1)) AS one LEFT JOIN audit_boot b ON b.worker = $1 AND b.boot = $2`,
    [boot.worker, boot.boot],
  );
  const isEarlyThere = row?.is_early_there === true;
  const stored = row && headOf(row);
  if (row === undefined || stored === undefined) return { head: start, isAltered: false, isEarlyThere };
  if (isSealed(keys, boot, row)) return { head: stored, isAltered: false, isEarlyThere };
  const head = (await lastKept(manager, keys.keyring, boot, ends)) ?? start;
  // A row of the release before has no MAC: it is good where the trail says the same, also of the run's end. One that is wrong is somebody's work.
  const isSame = head.through === stored.through && head.mac === stored.mac && head.isEnded === stored.isEnded;
  const isAltered = row.seal !== null || !isSame;
  return { head, isAltered, isEarlyThere };
}

export async function writeHead(manager: EntityManager, keys: HeadKeys, boot: Boot, head: BootHead): Promise<void> {
  const { through, mac, isEnded } = head;
  await manager.query(
    `INSERT INTO audit_boot AS b (worker, boot, through, mac, ended_at, seal) VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END, $6)
     ON CONFLICT (worker, boot) DO UPDATE
     SET through = excluded.through, mac = excluded.mac, seal = excluded.seal, updated_at = now(),
       ended_at = CASE WHEN $5 THEN coalesce(b.ended_at, excluded.ended_at) END`,
    [boot.worker, boot.boot, through, mac, isEnded, sealOf(keys.macKey, boot, head)],
  );
}

/** Whether its MAC says that the control plane wrote it. */
export function isSealed({ macKey }: HeadKeys, boot: Boot, row: StoredHead): boolean {
  const head = headOf(row);
  const seal = head && sealOf(macKey, boot, head);
  return seal !== undefined && row.seal?.length === seal.length && timingSafeEqual(row.seal, seal);
}

function headOf({ through, mac, is_ended: isEnded }: StoredHead): BootHead | undefined {
  return through === null || mac === null ? undefined : { through: Number(through), mac, isEnded };
}

/** HMAC-SHA-256 over each part after its length. */
function sealOf(macKey: Buffer, { worker, boot }: Boot, { through, mac, isEnded }: BootHead): Buffer {
  const hmac = createHmac('sha256', macKey);
  for (const part of ['onecli/v1/audit-boot', worker, boot, String(through), mac, isEnded ? 'ended' : '']) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return hmac.digest();
}

/** As the last of the boot's entries in the trail have it. */
async function lastKept(
  manager: EntityManager,
  keyring: Keyring,
  boot: Boot,
  ends: StatedEnds | undefined,
): Promise<BootHead | undefined> {
  const [block] = await manager.query<{ tree: string; first: number; last: number; sealed: Buffer }[]>(
    `SELECT t.id AS tree, b.first_index::float8 AS first, (b.first_sequence + b.entry_count - 1)::float8 AS last, b.sealed_lines AS sealed
     FROM audit_block b, audit_tree t WHERE b.worker = $1 AND b.boot = $2 ORDER BY b.first_sequence DESC LIMIT 1`,
    [boot.worker, boot.boot],
  );
  if (block === undefined) return undefined;
  const { tree, first, last, sealed } = block;
  const known = await readBlock(keyring, tree, first, sealed, (links) => {
    const link = links.at(-1);
    const line = link?.lines.at(-1);
    return link && line ? { through: readEntry(line).sequence, mac: link.mac } : undefined;
  });
  const isEnded = (ends ?? (await statedEnds(manager, keyring, [boot], first))).isOver(boot, first);
  // Altered too: the next link follows on nothing that is known, and is told as broken.
  if (known === undefined || isEnded === undefined) return { through: last, mac: '', isEnded: false };
  return { ...known, isEnded };
}
