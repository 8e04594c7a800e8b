import type { Logger } from 'pino';
import type { AuditMode } from './audit-mode.ts';
import type { Delivery } from './spool/delivery.ts';
import type { Spool } from './spool/spool.ts';

/** What begins with an entry 0: a chain, and the folder that it lies in. */
export interface AuditRun {
  readonly bootId: string;
  readonly spool: Spool;
  readonly delivery: Delivery;
}

export interface AuditTrailOptions {
  /** Makes the first run, and another one when the folder of that was taken away: each has a name and a folder of its own. */
  readonly begin: () => AuditRun;
  readonly worker: string;
  /** The instance's key for `audit-mac`. */
  readonly macKey: Buffer;
  readonly mode: AuditMode;
  readonly log: Logger;
  /** Of the spool: with more in it nothing is allowed. */
  readonly maxBytes: number;
  /** Refusals that are kept in memory while the spool cannot be written. */
  readonly maxWaiting: number;
  /** An intent that the medium or the queue does not have by then is refused. */
  readonly keptWithinMs: number;
  /** What earlier boots have left in the spool. */
  readonly leftBytes: () => number;
  readonly onLost?: (count: number) => void;
}
