/** All that wait for one write. */
export class Waiting {
  readonly promise: Promise<boolean>;
  #resolve: (isKept: boolean) => void = () => undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor() {
    this.promise = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** They are refused when it takes longer: a medium or a queue may never answer. */
  refuseIn(ms: number): void {
    this.#deadline = setTimeout(() => this.settle(false), ms);
  }

  /** What comes later than the first time changes nothing. */
  settle(isKept: boolean): void {
    clearTimeout(this.#deadline);
    this.#resolve(isKept);
  }
}
