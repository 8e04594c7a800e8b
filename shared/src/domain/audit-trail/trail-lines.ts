/*
 * The trail as it is exported to be verified: one JSON object a line. `trail` is the first, `end` the last; between them the
 * entries in the order of the tree, and each checkpoint after the last entry that it covers.
 */

/** What the export is of. */
export interface HeadLine {
  readonly type: 'trail';
  readonly format: 1;
  /** The public key of the checkpoints, `name+id+key`. */
  readonly key: string;
  /** The tree before the first entry: its size, and its full subtrees, the largest first, in hexadecimal. */
  readonly start: { readonly size: number; readonly nodes: readonly string[] };
  /** The entries before the start are there and were not asked for. */
  readonly isPart: boolean;
  /** Whether entries come with the rows of the list. */
  readonly hasRows: boolean;
  /** Rows of requests before this moment are gone by retention. */
  readonly rowsFromMs: number;
  /** The same of the record of what admins did. */
  readonly adminRowsFromMs: number;
}

export interface EntryLine {
  readonly type: 'entry';
  readonly index: number;
  readonly worker: string;
  readonly boot: string;
  /** The entry itself, as its worker wrote it. */
  readonly line: string;
  /** The hash of its leaf, as it is stored; hexadecimal. */
  readonly leaf: string;
  /** Of the link that ends here. */
  readonly mac?: string | undefined;
  /** MAC of the link before the one that begins here. It is told where a block begins. */
  readonly previousMac?: string | undefined;
  /** The row that this entry ends, as it is in the list; null: there is none. */
  readonly row?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Entries that are there and cannot be read. */
export interface DamageLine {
  readonly type: 'damage';
  readonly index: number;
  readonly worker: string;
  readonly boot: string;
  /** Of the first entry. */
  readonly sequence: number;
  readonly leaves: readonly string[];
  readonly reason: string;
}

export interface CheckpointLine {
  readonly type: 'checkpoint';
  readonly note: string;
}

export interface EndLine {
  readonly type: 'end';
  readonly size: number;
  /** What is wrong and shows in no line: what the control plane found as it made the export. */
  readonly faults?: readonly string[];
}

export type TrailLine = HeadLine | EntryLine | DamageLine | CheckpointLine | EndLine;

/** What is wrong with a trail. */
export type TrailFaultKind =
  | 'FORMAT'
  | 'KEY'
  | 'ENTRY_MISSING'
  | 'ENTRY_ALTERED'
  | 'CHAIN_BROKEN'
  | 'CHAIN_GAP'
  | 'STATED'
  | 'ROW_ALTERED'
  | 'ROW_MISSING'
  | 'CHECKPOINT'
  | 'ROOT'
  | 'UNSIGNED'
  | 'TRUNCATED'
  | 'FORKED'
  | 'RETENTION';

export interface TrailFault {
  readonly kind: TrailFaultKind;
  /** Of the entry in the tree: the first that it may be. */
  readonly index: number;
  /** Of the entry's event, where it is known. */
  readonly id: string | null;
  readonly message: string;
}

export interface TrailReport {
  readonly isSound: boolean;
  /** The one with the lowest index. */
  readonly first: TrailFault | null;
  /** The first hundred, by their indexes. */
  readonly faults: readonly TrailFault[];
  readonly faultCount: number;
  readonly size: number;
  readonly start: number;
  readonly entries: number;
  readonly checkpoints: number;
  /** Whether the MACs of the chains were checked, for which the key is needed. */
  readonly areMacsChecked: boolean;
  /** The public key that the checkpoints are signed with. */
  readonly key: string | null;
  /** The last good checkpoint: to be kept elsewhere. */
  readonly checkpoint: string | null;
}
