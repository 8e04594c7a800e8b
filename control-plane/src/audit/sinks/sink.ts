import type { AuditView } from '../audit-store.ts';

/** Somewhere that events are sent to. */
export interface Sink {
  /** Of its cursor, and in metrics. */
  readonly name: string;
  /** How many events it takes at once. */
  readonly batchSize: number;
  /**
   * Resolves when they were taken. `batch` is the same whenever the same events are sent again.
   * @throws SinkFault, and then none of them counts as sent
   */
  send(events: readonly AuditView[], batch: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Events could not be delivered. Its message names what happened, nothing that was sent or answered. */
export class SinkFault extends Error {
  override readonly name = 'SinkFault';
}
