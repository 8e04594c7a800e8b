import { z } from 'zod';
import { auditFilterForm } from '../../audit/audit-filter.ts';

const word = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !text.includes('\0'), 'must not have a NUL');

const { since, until } = auditFilterForm.shape;

/** The filters of the list of admin events, as query parameters. */
export const adminEventFilterForm = z.strictObject({
  /** `user:alice`, `key:deploy`, `local:local`, `nobody`; a user's keys are found by him too. */
  principal: word.optional(),
  action: word.optional(),
  /** Of the object: `secret`, `agent`, `user`, … */
  kind: word.optional(),
  /** The object's name. */
  object: word.optional(),
  outcome: z.enum(['done', 'refused'], { error: 'must be `done` or `refused`' }).optional(),
  since,
  until,
});

/** Which admin events are asked for; times in milliseconds since the epoch. */
export type AdminEventFilter = z.infer<typeof adminEventFilterForm>;
