import type { Request, RequestHandler, Response } from 'express';
import { exportForm, type ExportService, exportTypes } from '../audit/export/export.service.ts';
import { parseForm } from './page-query.ts';
import { principalOf } from './request-context.ts';
import { type StreamBounds, StreamedAnswers } from './stream-answer.ts';

const usualBounds: StreamBounds = { stallMs: 30_000, totalMs: 6 * 3_600_000, atOnce: 4 };

/** `GET /api/audit/export`: the audit trail as it is read. */
export function auditExportHandler(exports: Pick<ExportService, 'begin'>, bounds = usualBounds): RequestHandler {
  const answers = new StreamedAnswers(bounds, 'Other exports are under way: try again when they are done');
  return (request: Request, response: Response) => {
    const input = parseForm(exportForm, request.query);
    return answers.give(response, exportTypes[input.format], () => exports.begin(principalOf(response), input));
  };
}
