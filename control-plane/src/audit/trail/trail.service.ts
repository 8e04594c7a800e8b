import { consistencyPath, inclusionPath } from '@onecli/shared/domain/audit-trail/merkle-proof';
import { writeNoteKey } from '@onecli/shared/domain/audit-trail/checkpoint-note';
import { toHex } from '@onecli/shared/domain/audit-trail/bytes';
import type { TrailLine, TrailReport } from '@onecli/shared/domain/audit-trail/trail-lines';
import { TrailVerifier } from '@onecli/shared/domain/audit-trail/verify-trail';
import { Fault } from '@onecli/shared/fault';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { authorize } from '../../auth/authorize.ts';
import type { Principal } from '../../auth/principal.ts';
import type { CheckpointKey } from './checkpoint-key.ts';
import type { CheckpointSigner } from './checkpoint-signer.ts';
import { TreeAltered } from './tree-altered.ts';
import { lastCheckpoint } from './checkpoint-store.ts';
import { hmacSha256, sha256, verifyEd25519 } from './node-hashes.ts';
import { NodeReader } from './node-reader.ts';
import { proofLines, type ProofRange } from './proof-lines.ts';
import { readTree } from './tree-row.ts';

/** Checkpoints that were kept elsewhere, to verify against. */
export const keptForm = z.strictObject({
  checkpoints: z
    .array(z.string().min(1).max(4_000))
    .max(20)
    .optional()
    .meta({ description: 'Checkpoints that were kept elsewhere.' }),
});

/** Verifications at once: each reads everything. */
const verificationsAtOnce = 1;
const tellEveryMs = 1_000;

export interface TrailServiceOptions {
  readonly database: DataSource;
  readonly keyring: Keyring;
  readonly macKey: Buffer;
  readonly checkpointKey: CheckpointKey;
  readonly signer: CheckpointSigner;
  readonly adminEventDays: number;
}

/** The head of the trail. */
export interface TrailHead {
  /** The public key of its checkpoints. */
  readonly key: string;
  readonly size: number;
  readonly signedAt: Date | null;
  /** The last checkpoint: a signed note. */
  readonly checkpoint: string | null;
  /** Faults of workers' chains that were found as their entries came. */
  readonly chainFaults: number;
}

/** The proof of the audit trail, for those who may read all of it. */
export class TrailService {
  readonly #options: TrailServiceOptions;
  #underway = 0;

  constructor(options: TrailServiceOptions) {
    this.#options = options;
  }

  /** @throws Fault FORBIDDEN */
  async head(principal: Principal): Promise<TrailHead> {
    authorizeWhole(principal);
    const { database, checkpointKey } = this.#options;
    const { id, frontier } = await readTree(database.manager);
    const last = await lastCheckpoint(database.manager);
    const [row] = await database.query<{ count: string }[]>('SELECT count(*) AS count FROM audit_chain_fault');
    return {
      key: writeNoteKey(checkpointKey.of(id)),
      size: frontier.size,
      signedAt: last?.signedAt ?? null,
      checkpoint: last?.note ?? null,
      chainFaults: Number(row?.count ?? 0),
    };
  }

  /**
   * Verifies everything: entries, chains, the list against the entries, and the checkpoints, also those that somebody kept.
   * @throws Fault FORBIDDEN, OVERLOADED while another verification is under way
   */
  async verify(principal: Principal, kept: readonly string[]): Promise<TrailReport> {
    for await (const found of await this.#verifying(principal, kept)) if ('isSound' in found) return found;
    throw new Error('A verification ended without a report');
  }

  /** The same as JSON lines: each second how far it is, at last the report. @throws Fault as `verify` does */
  async verifyTold(principal: Principal, kept: readonly string[]): Promise<AsyncGenerator<string>> {
    return asLines(await this.#verifying(principal, kept));
  }

  async #verifying(principal: Principal, kept: readonly string[]): Promise<AsyncGenerator<Progress | TrailReport>> {
    authorizeWhole(principal);
    if (this.#underway >= verificationsAtOnce)
      throw new Fault('OVERLOADED', 'The trail is being verified already: try again when that is done');
    this.#underway += 1;
    return this.#found(kept);
  }

  async *#found(kept: readonly string[]): AsyncGenerator<Progress | TrailReport> {
    try {
      const mac = (data: Uint8Array): Buffer => hmacSha256(this.#options.macKey, data);
      const verifier = new TrailVerifier({ sha256, verifyEd25519, mac, kept });
      const lines = await this.#lines({});
      const { frontier, pruned } = await readTree(this.#options.database.manager);
      const progress = new Progress(frontier.size - pruned.size);
      for await (const line of lines) {
        verifier.take(line);
        if (progress.isDue(line)) yield progress;
      }
      yield verifier.finish();
    } finally {
      this.#underway -= 1;
    }
  }

  /** The trail with its proof, as it is verified. @throws Fault FORBIDDEN */
  async proof(principal: Principal, range: ProofRange): Promise<AsyncGenerator<TrailLine>> {
    authorizeWhole(principal);
    return this.#lines(range);
  }

  /** What shows that an entry is in the tree of a checkpoint, in hexadecimal, from below. @throws Fault FORBIDDEN, INVALID */
  async inclusion(principal: Principal, index: number, size: number): Promise<readonly string[]> {
    authorizeWhole(principal);
    const { full } = await this.#readerOf(size);
    if (index >= size) throw new Fault('INVALID', '`index` must be below `size`', { field: 'index' });
    return (await orGone(inclusionPath(sha256, full, index, size))).map(toHex);
  }

  /** What shows that the tree of `size` begins with that of `first`. @throws Fault FORBIDDEN, INVALID */
  async consistency(principal: Principal, first: number, size: number): Promise<readonly string[]> {
    authorizeWhole(principal);
    const { full } = await this.#readerOf(size);
    if (first > size) throw new Fault('INVALID', '`first` must not be above `size`', { field: 'first' });
    return (await orGone(consistencyPath(sha256, full, first, size))).map(toHex);
  }

  async #readerOf(size: number): Promise<NodeReader> {
    const { manager } = this.#options.database;
    const { frontier } = await readTree(manager);
    if (size > frontier.size)
      throw new Fault('INVALID', `The trail has ${frontier.size} entries, no more`, { field: 'size' });
    return new NodeReader(manager);
  }

  async #lines(range: ProofRange): Promise<AsyncGenerator<TrailLine>> {
    const { database, keyring, macKey, checkpointKey, adminEventDays, signer } = this.#options;
    let altered: string | undefined;
    try {
      await signer.sign(0);
    } catch (error) {
      // What is altered is not signed; the lines show where, and that it is.
      if (!(error instanceof TreeAltered)) throw error;
      altered = error.message;
    }
    const { manager } = database;
    return proofLines({ manager, keyring, macKey, checkpointKey, adminEventDays, altered }, range);
  }
}

/** How far a verification is. */
class Progress {
  readonly of: number;
  entries = 0;
  #toldAt = performance.now();

  constructor(of: number) {
    this.of = of;
  }

  /** Counts a line, and says whether it is time to tell. */
  isDue({ type }: TrailLine): boolean {
    if (type === 'entry') this.entries += 1;
    const now = performance.now();
    if (now - this.#toldAt < tellEveryMs) return false;
    this.#toldAt = now;
    return true;
  }
}

async function* asLines(found: AsyncIterable<Progress | TrailReport>): AsyncGenerator<string> {
  for await (const each of found) {
    const { entries } = each;
    const line = each instanceof Progress ? { type: 'progress', entries, of: each.of } : { type: 'report', ...each };
    yield `${JSON.stringify(line)}\n`;
  }
}

/** The trail is one: there is no part of it for some environments. */
function authorizeWhole(principal: Principal): void {
  authorize(principal, 'audit:read');
  authorize(principal, 'admin-event:read');
}

/** Hashes of entries that went by retention are gone with them, but for those of whole subtrees. */
async function orGone(path: Promise<Uint8Array[]>): Promise<Uint8Array[]> {
  try {
    return await path;
  } catch (cause) {
    throw new Fault('INVALID', 'The tree of that time is not kept any more', { cause });
  }
}
