import type { Request, RequestHandler, Response } from 'express';
import type { BackupService } from '../backup/backup.service.ts';
import { principalOf } from './request-context.ts';
import { type StreamBounds, StreamedAnswers } from './stream-answer.ts';

const usualBounds: StreamBounds = { stallMs: 30_000, totalMs: 3_600_000, atOnce: 2, ofPrincipal: 1 };

/** `POST /backup`: a sealed file as it is made. */
export function backupHandler(backups: Pick<BackupService, 'create'>, bounds = usualBounds): RequestHandler {
  const answers = new StreamedAnswers(bounds, 'Other backups are being made: try again when they are done');
  return (request: Request, response: Response) =>
    answers.give(response, 'application/octet-stream', () => backups.create(principalOf(response), request.body));
}
