/**
 * What all workers together have counted under limits. It only ever makes a limit tighter: each worker counts for itself as well, and the
 * stricter of both holds. So nothing here throws, and an answer that does not come, or makes no sense, is undefined.
 */
export interface SharedCounts {
  /** Counts one request in a time that began with the first of them. */
  count(key: string, perSeconds: number): Promise<SharedCount | undefined>;
  /** Counts one no more, which was refused: in the time that it was counted in. When that is over, nothing changes. */
  takeBack(key: string, counted: SharedCount): Promise<void>;
  /**
   * Takes a place among `max`, when there is one: this worker has `own` then, with the new one. Gives how many the others have; there was
   * none when it comes to more than `max` with `own`, and then `hold` has to be told what is held now.
   */
  enter(key: string, own: number, max: number): Promise<number | undefined>;
  /** This worker has so many places now. The places of a worker that died are free again within fifteen seconds. */
  hold(key: string, own: number): void;
  close(): Promise<void>;
}

export interface SharedCount {
  /** Of all workers, with this one. */
  readonly requests: number;
  readonly msBeforeNext: number;
}
