import { exportForm, type ExportService, exportTypes } from '../audit/export/export.service.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';
import { type StreamBounds, StreamedAnswers } from './stream-answer.ts';

const usualBounds: StreamBounds = { stallMs: 30_000, totalMs: 6 * 3_600_000, atOnce: 4, ofPrincipal: 2 };

/** `/api/audit/export`: the audit trail as it is read. */
export function auditExportRoutes(exports: Pick<ExportService, 'begin'>): RestRoute[] {
  const answers = new StreamedAnswers(usualBounds, 'Other exports are under way: try again when they are done');
  return [
    restRoute({
      method: 'get',
      path: '/audit/export',
      id: 'exportAudit',
      summary: 'The audit trail as JSON lines with their proof, as CSV, or as OCSF',
      description:
        'What was being sent when something failed is cut off: an answer that is whole ends as HTTP has it, and JSON lines with a proof by a line `end`.',
      access: 'audit:read',
      query: exportForm,
      status: 200,
      streams: ['application/jsonl', 'text/csv'],
      faults: ['OVERLOADED'],
      handle: async ({ principal, query, exchange: { response } }) => {
        await answers.give(response, exportTypes[query.format], () => exports.begin(principal, query));
        return undefined;
      },
    }),
  ];
}
