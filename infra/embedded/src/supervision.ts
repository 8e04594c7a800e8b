/** What was started and is kept running. */
export interface Supervision {
  /** Settles with the exit code when everything has stopped. */
  readonly ended: Promise<number>;
  /** Stops workers, control planes and what is behind them, in this order. */
  stop(exitCode?: number): Promise<void>;
  /** Ends all children at once. */
  kill(): void;
}
