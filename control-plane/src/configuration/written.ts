/** What a write did to an object, within a transaction that may do more. */
export interface Change<T> {
  readonly object: T;
  readonly change: 'CREATED' | 'UPDATED' | 'UNCHANGED';
}

/** What a write did, and the revision that has it. */
export interface Written<T> extends Change<T> {
  readonly revision: number;
}

/** Removing what is absent succeeds, unchanged. */
export type Removal = 'DELETED' | 'UNCHANGED';

export interface Removed {
  readonly change: Removal;
  readonly revision: number;
}

/** Conditions of a write. */
export interface WriteOptions {
  /**
   * The write is refused when the object was written after this revision, or is absent. 0: it is refused when the object
   * is there. A write that would change nothing is never refused.
   */
  readonly ifRevision?: number | undefined;
  /** The write is refused with PRECONDITION_FAILED unless one of these revisions last wrote the object; `*`: unless it is there. */
  readonly ifMatch?: ReadonlySet<number> | '*' | undefined;
}
