import type { EntityManager } from 'typeorm';

/** A checkpoint as it is stored. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly signedAt: Date;
  readonly note: string;
  /** Whether its columns say what the note says. */
  readonly isAsSigned: boolean;
}

const columns = 'size, signed_at, root, note';

interface Row {
  readonly size: string;
  readonly signed_at: Date;
  readonly root: Buffer;
  readonly note: string;
}

export async function lastCheckpoint(manager: EntityManager): Promise<StoredCheckpoint | undefined> {
  const [row] = await manager.query<Row[]>(`SELECT ${columns} FROM audit_checkpoint ORDER BY size DESC LIMIT 1`);
  return row && view(row);
}

/** Checkpoints of trees that are larger than `after`, the smallest first. */
export async function checkpointsAfter(
  manager: EntityManager,
  after: number,
  limit: number,
): Promise<StoredCheckpoint[]> {
  const rows = await manager.query<Row[]>(
    `SELECT ${columns} FROM audit_checkpoint WHERE size > $1 ORDER BY size LIMIT $2`,
    [after, limit],
  );
  return rows.map(view);
}

export async function insertCheckpoint(
  manager: EntityManager,
  { size, root, note }: { readonly size: number; readonly root: Uint8Array; readonly note: string },
): Promise<void> {
  await manager.query('INSERT INTO audit_checkpoint (size, root, note) VALUES ($1, $2, $3)', [
    size,
    Buffer.from(root),
    note,
  ]);
}

function view({ size, signed_at: signedAt, root, note }: Row): StoredCheckpoint {
  const [, signedSize, signedRoot] = note.split('\n');
  const isAsSigned = size === signedSize && root.toString('base64') === signedRoot;
  return { size: Number(size), signedAt, note, isAsSigned };
}
