import { once } from 'node:events';
import type { Request, RequestHandler, Response } from 'express';
import type { BackupService } from '../backup/backup.service.ts';
import { principalOf } from './request-context.ts';

/** `POST /backup`: a sealed file as it is made. One that breaks off breaks the connection off, and is not whole. */
export function backupHandler(backups: BackupService): RequestHandler {
  return async (request: Request, response: Response) => {
    const pieces = await backups.create(principalOf(response), request.body);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.type('application/octet-stream');
    try {
      for await (const piece of pieces) {
        if (gone.signal.aborted) return;
        if (!response.write(piece)) await once(response, 'drain', { signal: gone.signal });
      }
      response.end();
    } catch (error) {
      // Whoever asked has gone: nobody is there to be told.
      if (!gone.signal.aborted) throw error;
    }
  };
}
