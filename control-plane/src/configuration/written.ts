/** What a write did, and the revision that has it. */
export interface Written<T> {
  readonly object: T;
  readonly change: 'CREATED' | 'UPDATED' | 'UNCHANGED';
  readonly revision: number;
}

/** Removing what is absent succeeds, unchanged. */
export interface Removed {
  readonly change: 'DELETED' | 'UNCHANGED';
  readonly revision: number;
}
