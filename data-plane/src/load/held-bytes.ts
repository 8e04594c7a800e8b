/**
 * What requests hold of their bodies in this worker, all together: each may hold a few megabytes until its body is whole,
 * and peers decide how many do so at once.
 */
export class HeldBytes {
  readonly #max: number;
  #bytes = 0;

  /** @param max bytes of all requests together */
  constructor(max: number) {
    this.#max = max;
  }

  /** Bytes that are held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts bytes in. False, and nothing counted, when there would be too many. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#max) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Counts bytes out that were counted in. */
  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
