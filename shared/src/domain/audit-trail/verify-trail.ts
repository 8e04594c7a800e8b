/* Verifies a trail as `trail-lines.ts` has it, in one pass and without keeping it. */
import { fromHex, sameBytes } from './bytes.ts';
import {
  type Checkpoint,
  type NoteKey,
  readCheckpoint,
  readNoteKey,
  type VerifyEd25519,
  writeNoteKey,
} from './checkpoint-note.ts';
import { entryLeaf } from './leaf.ts';
import { Frontier, hashBytes, type Sha256 } from './merkle-tree.ts';
import type { ChainFact, OwnEntry } from './own-entry.ts';
import { TrailFaults } from './trail-faults.ts';
import type {
  DamageLine,
  EndLine,
  EntryLine,
  HeadLine,
  TrailFaultKind,
  TrailLine,
  TrailReport,
} from './trail-lines.ts';
import { type AuditMac, BootChain } from './verify-chain.ts';

export interface TrailVerifierOptions {
  readonly sha256: Sha256;
  readonly verifyEd25519: VerifyEd25519;
  /** Without it the MACs of the chains are not checked. */
  readonly mac?: AuditMac | undefined;
  /** The public key as it is known from elsewhere; without it, that of the export is believed. */
  readonly key?: string | undefined;
  /** Checkpoints that somebody kept elsewhere. */
  readonly kept?: readonly string[];
}

export class TrailVerifier {
  readonly #options: TrailVerifierOptions;
  readonly #faults = new TrailFaults();
  readonly #chains = new Map<string, BootChain>();
  readonly #kept: Checkpoint[] = [];
  #head: HeadLine | undefined;
  #key: NoteKey | undefined;
  #frontier: Frontier;
  /** Once entries are missing no root can be right any more. */
  #isTreeLost = false;
  #signedSize = 0;
  #checkpoint: string | null = null;
  #checkpoints = 0;
  #endSize: number | undefined;
  #prunedTo = 0;
  #rowsPrunedTo = 0;

  constructor(options: TrailVerifierOptions) {
    this.#options = options;
    this.#frontier = new Frontier(options.sha256);
  }

  /** Takes the next line of the export. */
  take(line: TrailLine): void {
    if (line.type === 'trail') return this.#begin(line);
    if (this.#head === undefined || this.#endSize !== undefined)
      return this.#tell(
        'FORMAT',
        this.#frontier.size,
        null,
        'a line stands before the head of the export or after its end',
      );
    if (line.type === 'entry') this.#entry(line);
    else if (line.type === 'damage') this.#damage(line);
    else if (line.type === 'checkpoint') this.#checkpointLine(line.note);
    else if (line.type === 'end') this.#end(line);
    else this.#tell('FORMAT', this.#frontier.size, null, 'a line is of no kind that is known');
  }

  /** Says what was found, when every line was taken. */
  finish(): TrailReport {
    const { size } = this.#frontier;
    for (const chain of this.#chains.values()) chain.finish(this.#rowsFromMs());
    if (this.#endSize !== size) this.#tell('TRUNCATED', size, null, 'the end of the export is missing');
    this.#compareKept(size);
    for (const kept of this.#kept)
      if (kept.size > size)
        this.#tell(
          'TRUNCATED',
          size,
          null,
          `a checkpoint that was kept covers ${kept.size} entries: there are ${size}`,
        );
    if (!this.#isTreeLost && this.#signedSize < size && !this.#faults.isNamed(this.#signedSize, size + 1))
      this.#tell('UNSIGNED', this.#signedSize, null, 'no good checkpoint covers the entries from here on');
    this.#checkRetention();
    const { first: faults, count: faultCount } = this.#faults;
    const start = this.#head?.start.size ?? 0;
    return {
      isSound: faultCount === 0,
      first: faults[0] ?? null,
      faults,
      faultCount,
      size,
      start,
      entries: size - start,
      checkpoints: this.#checkpoints,
      areMacsChecked: this.#options.mac !== undefined,
      key: this.#key === undefined ? null : writeNoteKey(this.#key),
      checkpoint: this.#checkpoint,
    };
  }

  #end({ size, faults = [] }: EndLine): void {
    this.#endSize = size;
    // Where an entry is named already, it is the first that is wrong.
    const isNamed = this.#faults.isNamed(this.#signedSize, this.#frontier.size + 1);
    const index = isNamed ? this.#frontier.size : this.#signedSize;
    for (const fault of faults) this.#tell('UNSIGNED', index, null, fault);
  }

  #begin(head: HeadLine): void {
    const { sha256, key: known } = this.#options;
    if (this.#head !== undefined) return this.#tell('FORMAT', this.#frontier.size, null, 'the export has two heads');
    this.#head = head;
    this.#key = readNoteKey(sha256, known ?? head.key);
    if (known !== undefined && head.key !== known.trim())
      this.#tell('KEY', 0, null, 'the checkpoints are signed with another key than the one that is known');
    const nodes = head.start.nodes.map(fromHex);
    try {
      if (head.format !== 1 || this.#key === undefined || nodes.some((node) => node?.length !== hashBytes))
        throw new RangeError('not a head');
      this.#frontier = new Frontier(sha256, head.start.size, nodes as Uint8Array[]);
    } catch {
      this.#tell('FORMAT', 0, null, 'the head of the export cannot be read');
    }
    this.#readKept();
  }

  #readKept(): void {
    const start = this.#frontier.size;
    for (const note of this.#options.kept ?? []) {
      const read = this.#read(note);
      if (read.kind === 'bad')
        this.#tell('FORKED', 0, null, `the checkpoint that was kept is not one of this trail: ${read.reason}`);
      else this.#kept.push(read.checkpoint);
      if (read.kind !== 'bad' && read.checkpoint.size < start)
        this.#tell('RETENTION', start, null, `a kept checkpoint of ${read.checkpoint.size} entries cannot be compared`);
    }
  }

  #entry(entry: EntryLine): void {
    const { index, worker, boot, line, mac, leaf } = entry;
    this.#place(index);
    const hash = entryLeaf(this.#options.sha256, { worker, boot, line, mac });
    const stored = fromHex(leaf);
    if (stored === undefined || !sameBytes(hash, stored))
      this.#tell(
        'ENTRY_ALTERED',
        index,
        this.#idOf(worker, boot, line),
        'the entry is not the one that its leaf was made of',
      );
    this.#chain(worker, boot).take(entry, this.#rowsFromMs(), this.#head?.adminRowsFromMs ?? 0);
    this.#append(hash);
  }

  #damage({ index, worker, boot, sequence, leaves, reason }: DamageLine): void {
    this.#place(index);
    this.#tell(
      'ENTRY_ALTERED',
      index,
      `${worker}-${boot}-${sequence.toString(36)}`,
      `entries ${index} to ${index + leaves.length - 1} cannot be read: ${reason}`,
    );
    this.#chain(worker, boot).skip(sequence, leaves.length);
    for (const leaf of leaves) this.#append(fromHex(leaf) ?? new Uint8Array(hashBytes));
  }

  #place(index: number): void {
    const { size } = this.#frontier;
    if (index === size) return;
    this.#isTreeLost = true;
    const missing = `entries ${size} to ${index - 1} are missing`;
    this.#tell(
      'ENTRY_MISSING',
      Math.min(size, index),
      null,
      index > size ? missing : `entry ${index} comes after ${size - 1}`,
    );
    // Goes on from here, so that the rest is looked at too.
    this.#frontier = new Frontier(this.#options.sha256, index, placeholderNodes(index));
  }

  #append(leaf: Uint8Array): void {
    this.#compareKept(this.#frontier.size);
    this.#frontier.append(leaf);
  }

  #compareKept(size: number): void {
    if (this.#isTreeLost) return;
    for (const kept of this.#kept)
      if (kept.size === size && !sameBytes(kept.root, this.#frontier.root()))
        this.#tell(
          'FORKED',
          this.#signedSize < size ? this.#signedSize : 0,
          null,
          `the first ${size} entries are not those that the kept checkpoint covers`,
        );
  }

  #checkpointLine(note: string): void {
    const { size } = this.#frontier;
    const read = this.#read(note);
    this.#checkpoints += 1;
    if (read.kind === 'bad')
      return this.#tell('CHECKPOINT', this.#signedSize, null, `a checkpoint is not good: ${read.reason}`);
    const { checkpoint } = read;
    if (checkpoint.size > size) {
      this.#isTreeLost = true;
      const message = `entries ${size} to ${checkpoint.size - 1} are missing: a checkpoint covers them`;
      this.#tell('ENTRY_MISSING', size, null, message);
    } else if (checkpoint.size < size)
      this.#tell('CHECKPOINT', checkpoint.size, null, 'a checkpoint stands where it does not belong');
    else if (!this.#isTreeLost && !sameBytes(checkpoint.root, this.#frontier.root())) this.#rootDiffers(size);
    else if (!this.#isTreeLost) [this.#signedSize, this.#checkpoint] = [size, note];
  }

  /** Some entry since the last good checkpoint is another: where one is named already, that is why. */
  #rootDiffers(size: number): void {
    this.#isTreeLost = true;
    const from = this.#signedSize;
    if (this.#faults.isNamed(from, size)) return;
    this.#tell('ROOT', from, null, `one of the entries ${from} to ${size - 1} is not the one that was signed`);
  }

  #read(note: string): ReturnType<typeof readCheckpoint> {
    if (this.#key === undefined) return { kind: 'bad', reason: 'the key is not known' };
    return readCheckpoint(note, this.#key, this.#options.verifyEd25519);
  }

  #stated(entry: OwnEntry, index: number): void {
    if (entry.kind === 'RETENTION') {
      this.#prunedTo = Math.max(this.#prunedTo, entry.entriesBefore);
      this.#rowsPrunedTo = Math.max(this.#rowsPrunedTo, entry.rowsBeforeMs);
    } else if (entry.kind === 'END') this.#chain(entry.worker, entry.boot).end(entry.from, index);
    else if (entry.kind === 'BROKEN') this.#statedBroken(entry, index);
  }

  /** What the control plane found as entries came is so, also for who has no key of the chains. With it the link may be named already. */
  #statedBroken({ worker, boot, from }: ChainFact, index: number): void {
    const id = `${worker}-${boot}-${Math.trunc(from).toString(36)}`;
    if (this.#faults.isBroken(id)) return;
    this.#tell(
      'STATED',
      index,
      id,
      'it says that entries, or the record of their run, were altered before they were written',
    );
  }

  #checkRetention(): void {
    if (this.#head === undefined || this.#head.isPart) return;
    const { start, rowsFromMs } = this.#head;
    if (start.size > 0 && this.#prunedTo !== start.size)
      this.#tell('RETENTION', start.size, null, `no entry says that those before ${start.size} went by retention`);
    if (rowsFromMs > this.#rowsPrunedTo)
      this.#tell('RETENTION', start.size, null, 'no entry says that rows of the list went by retention');
  }

  #chain(worker: string, boot: string): BootChain {
    const name = `${worker}/${boot}`;
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const chain = new BootChain(worker, boot, {
      mac: this.#options.mac,
      tell: (...fault) => this.#tell(...fault),
      stated: (entry, index) => this.#stated(entry, index),
      isExplained: (from) => this.#faults.isNamed(from, Number.MAX_SAFE_INTEGER),
      isLate: (this.#head?.start.size ?? 0) > 0,
    });
    this.#chains.set(name, chain);
    return chain;
  }

  #rowsFromMs(): number | undefined {
    return this.#head?.hasRows === true ? this.#head.rowsFromMs : undefined;
  }

  #idOf(worker: string, boot: string, line: string): string | null {
    const sequence = Number.parseInt(line.slice(1), 10);
    return Number.isNaN(sequence) ? null : `${worker}-${boot}-${sequence.toString(36)}`;
  }

  #tell(kind: TrailFaultKind, index: number, id: string | null, message: string): void {
    this.#faults.add({ kind, index, id, message });
  }
}

/** So many nodes as a tree of this size has, of no meaning. */
function placeholderNodes(size: number): Uint8Array[] {
  const count = size.toString(2).replaceAll('0', '').length;
  return Array.from({ length: count }, () => new Uint8Array(hashBytes));
}
