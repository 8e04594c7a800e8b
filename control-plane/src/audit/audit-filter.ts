import { z } from 'zod';

const name = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !text.includes('\0'), 'must not have a NUL');
const moment = z
  .string()
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?$/.test(text),
    'must be an ISO 8601 date, or date and time with zone',
  )
  .transform((text) => Date.parse(text))
  .refine((timeMs) => Number.isFinite(timeMs), 'must be a date that exists');
const yesOrNo = z.enum(['true', 'false'], { error: 'must be `true` or `false`' }).transform((text) => text === 'true');

/** The filters of the audit list, as query parameters. */
export const auditFilterForm = z.strictObject({
  agent: name.optional(),
  host: name.transform((text) => text.toLowerCase()).optional(),
  decision: z.enum(['allow', 'deny'], { error: 'must be `allow` or `deny`' }).optional(),
  reason: name.optional(),
  /** Somebody should look at it. */
  hasFindings: yesOrNo.optional(),
  /** It was let through, and the upstream failed (5xx) or the connection ended before an answer. */
  hasFailed: yesOrNo.optional(),
  /** From this moment on, it included. */
  since: moment.optional(),
  /** Until this moment, it excluded. */
  until: moment.optional(),
});

/** Which audit events are asked for; times in milliseconds since the epoch. */
export type AuditFilter = z.infer<typeof auditFilterForm>;
