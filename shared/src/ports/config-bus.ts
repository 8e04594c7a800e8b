/**
 * Announces that a newer revision is there. The message is a number and a MAC: no content, nothing to trust. It may be
 * lost: whoever listens also looks at the store once a second.
 */
export interface ConfigBus {
  /** Tells every listener. Throws when the bus is away; the caller logs it and goes on. */
  announce(revision: number): Promise<void>;
  /** Calls `heard` for each authentic announcement until `signal` aborts. Reconnects by itself. */
  listen(heard: (revision: number) => void, signal: AbortSignal): Promise<void>;
  /** Ends what the bus holds open. */
  close(): Promise<void>;
}
