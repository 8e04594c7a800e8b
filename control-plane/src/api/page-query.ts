import { Fault } from '@onecli/shared/fault';
import { z } from 'zod';

export const defaultLimit = 50;
export const maxLimit = 200;

const limitText = `must be a whole number, 1-${maxLimit}`;
/** The query parameters of every list. */
export const pageForm = z.strictObject({
  after: z.string().min(1).max(1024).optional(),
  limit: z
    .string()
    .regex(/^[0-9]{1,4}$/, limitText)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maxLimit, limitText)
    .optional(),
});

/**
 * Parses query parameters or arguments.
 * @throws Fault INVALID, naming the first field that is wrong
 */
export function parseForm<T>(form: z.ZodType<T>, input: unknown): T {
  const parsed = form.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.code === 'unrecognized_keys' ? String(issue.keys[0]) : (issue?.path.join('.') ?? 'query');
  const problem = issue?.code === 'unrecognized_keys' ? 'is not known here' : issue?.message;
  throw new Fault('INVALID', `\`${field.slice(0, 100)}\` ${problem}`, { field: field.slice(0, 100) });
}

/** A number of items that is asked for. @throws Fault INVALID for one outside 1-200 */
export function pageRange(limit: number, field: string): number {
  if (limit < 1 || limit > maxLimit) throw new Fault('INVALID', `\`${field}\` must be 1-${maxLimit}`, { field });
  return limit;
}
