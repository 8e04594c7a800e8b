import { z } from 'zod';
import { macKeyForm, type MacKeyService } from '../audit/trail/mac-key.service.ts';
import { keptForm, type TrailService } from '../audit/trail/trail.service.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';
import { type StreamBounds, StreamedAnswers } from './stream-answer.ts';

const bounds: StreamBounds = { stallMs: 30_000, totalMs: 6 * 3_600_000, atOnce: 1, ofPrincipal: 1 };

/** A verification that tells how far it is, and the key for one elsewhere. */
export function auditVerificationRoutes(trail: TrailService, macKeys: MacKeyService): RestRoute[] {
  const told = new StreamedAnswers(bounds, 'The trail is being verified already: try again when that is done');
  return [
    restRoute({
      method: 'post',
      path: '/audit/mac-key',
      id: 'exportAuditMacKey',
      summary: 'The key of the workers’ chains, to check the MACs of an export elsewhere',
      description:
        'For users who sign in, with their password once more. Who has it can make entries that fit, before they are signed.',
      access: 'audit:export-key',
      body: macKeyForm,
      status: 200,
      answer: z.strictObject({ key: z.string().meta({ description: '64 hexadecimal digits.' }) }),
      handle: ({ principal, body }) => macKeys.reveal(principal, body),
    }),
    restRoute({
      method: 'post',
      path: '/audit/trail/verification',
      id: 'followAuditTrailVerification',
      summary: 'Verify the whole audit trail, and tell each second how far that is; the last line is the report',
      description:
        'JSON lines: `{"type":"progress","entries":…,"of":…}`, then `{"type":"report",…}` as `verifyAuditTrail` answers it.',
      access: 'audit:read',
      body: keptForm,
      status: 200,
      streams: ['application/jsonl'],
      faults: ['OVERLOADED'],
      handle: async ({ principal, body, exchange: { response } }) => {
        await told.give(response, 'application/jsonl', () => trail.verifyTold(principal, body.checkpoints ?? []));
        return undefined;
      },
    }),
  ];
}
