import { once } from 'node:events';
import type { Request, RequestHandler, Response } from 'express';
import { Fault } from '@onecli/shared/fault';
import type { BackupService } from '../backup/backup.service.ts';
import { principalOf } from './request-context.ts';

/** A backup holds a connection to the database and the state of one moment there, for as long as its reader takes. */
export interface BackupBounds {
  /** How long the reader may take nothing. */
  readonly stallMs: number;
  /** How long all of it may take. */
  readonly totalMs: number;
  /** How many may be made at once. */
  readonly atOnce: number;
}

const usualBounds: BackupBounds = { stallMs: 30_000, totalMs: 3_600_000, atOnce: 2 };

/** `POST /backup`: a sealed file as it is made. One that breaks off breaks the connection off, and is not whole. */
export function backupHandler(
  backups: Pick<BackupService, 'create'>,
  { stallMs, totalMs, atOnce }: BackupBounds = usualBounds,
): RequestHandler {
  let underway = 0;
  return async (request: Request, response: Response) => {
    if (underway >= atOnce) throw new Fault('OVERLOADED', 'Other backups are being made: try again when they are done');
    underway++;
    const over = new AbortController();
    response.once('close', () => over.abort());
    const timer = setTimeout(() => over.abort(), totalMs);
    try {
      const pieces = await backups.create(principalOf(response), request.body);
      response.type('application/octet-stream');
      for await (const piece of pieces) {
        if (over.signal.aborted) return;
        if (!response.write(piece)) await drained(response, over, stallMs);
      }
      response.end();
    } catch (error) {
      // Whoever asked has gone, or was cut off: nobody is there to be told.
      if (!over.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      underway--;
      if (over.signal.aborted) response.destroy();
    }
  };
}

/** Waits until what was written has left. @throws AbortError when it does not in time */
async function drained(response: Response, over: AbortController, stallMs: number): Promise<void> {
  const stalled = setTimeout(() => over.abort(), stallMs);
  try {
    await once(response, 'drain', { signal: over.signal });
  } finally {
    clearTimeout(stalled);
  }
}
