/** A transfer that moved less than this since its last turn is a conversation: it does not stand in line. */
const littleBytes = 16 * 1024;
/** Some milliseconds of work: what a request of a neighbour waits for in each of the few turns that it takes. */
const defaultBytesPerTurn = 512 * 1024;

/** After so many bytes of a body others have their turn. */
export const turnBytes = 64 * 1024;

interface InLine {
  readonly bytes: number;
  readonly go: () => void;
}

/**
 * Shares the turns of the event loop out among transfers. Each moves a bounded piece in a turn, but a hundred of them that can all go
 * on at one moment would make one long turn, in which nobody else is served: so many bytes go on in each, and the others in the next
 * ones, first come, first served. Nothing is slower by it: a turn with nothing else to do costs next to nothing.
 */
export class FairTurns {
  readonly #bytesPerTurn: number;
  #line: InLine[] = [];
  #isRunning = false;

  constructor(bytesPerTurn = defaultBytesPerTurn) {
    this.#bytesPerTurn = bytesPerTurn;
  }

  /**
   * Resolves in a later turn of the event loop, when all that has arrived by now was read.
   * @param movedBytes since this transfer's last turn: it is expected to move as many in the next
   */
  next(movedBytes: number): Promise<void> {
    return new Promise((resolve) => {
      if (movedBytes < littleBytes) return void setImmediate(resolve);
      this.#line.push({ bytes: movedBytes, go: resolve });
      if (!this.#isRunning) this.#runLater();
    });
  }

  #runLater(): void {
    this.#isRunning = true;
    setImmediate(() => this.#run());
  }

  /** At least one goes on. */
  #run(): void {
    let count = 0;
    let bytes = 0;
    for (const each of this.#line) {
      if (bytes >= this.#bytesPerTurn) break;
      bytes += each.bytes;
      count++;
      each.go();
    }
    this.#line = this.#line.slice(count);
    this.#isRunning = this.#line.length > 0;
    if (this.#isRunning) this.#runLater();
  }
}
