/*
 * What the control plane puts into the trail itself, in a chain of its own: worker `@control-plane`, boot the id of the tree. A
 * line is a JSON array: [sequence,"CONTROL",timeMs,{kind, …}].
 */

/** No worker can have this name. */
export const ownWorker = '@control-plane';

/** What happened to the chain of a boot; `from` and `to` are sequences, both included. */
export interface ChainFact {
  /** GAP: entries that never came. BROKEN: a link whose MAC is wrong. END: the boot is over, and has no entry `from`. */
  readonly kind: 'GAP' | 'BROKEN' | 'END';
  readonly worker: string;
  readonly boot: string;
  readonly from: number;
  readonly to: number;
}

/** Entries and rows that went by retention: entries before an index, rows before a time. */
export interface RetentionFact {
  readonly kind: 'RETENTION';
  readonly entriesBefore: number;
  readonly rowsBeforeMs: number;
}

/** What a principal did, or was refused. */
export interface AdminFact {
  readonly kind: 'ADMIN';
  readonly event: Readonly<Record<string, unknown>>;
}

export type OwnEntry = ChainFact | RetentionFact | AdminFact;

/** The line of an entry, without a line feed; in ASCII. */
export function writeOwnEntry(sequence: number, timeMs: number, entry: OwnEntry): string {
  const text = JSON.stringify([sequence, 'CONTROL', timeMs, entry]);
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Undefined for a line that is none. */
export function readOwnEntry(line: string): { readonly sequence: number; readonly entry: OwnEntry } | undefined {
  const found: unknown = JSON.parse(line);
  if (!Array.isArray(found) || found.length !== 4 || found[1] !== 'CONTROL') return undefined;
  const [sequence, , , entry] = found as [unknown, unknown, unknown, unknown];
  if (!Number.isSafeInteger(sequence) || typeof entry !== 'object' || entry === null || !('kind' in entry))
    return undefined;
  return { sequence: sequence as number, entry: entry as OwnEntry };
}
