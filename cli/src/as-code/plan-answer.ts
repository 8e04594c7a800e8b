import { z } from 'zod';

/** What the API says of a plan. Loose: a newer gateway may say more. */
const change = z.looseObject({
  kind: z.string(),
  name: z.string(),
  action: z.enum(['CREATE', 'UPDATE', 'DELETE', 'NONE', 'UNKNOWN']),
  fields: z.array(z.looseObject({ field: z.string(), before: z.unknown(), after: z.unknown() })),
  makesToken: z.boolean(),
  refused: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
});

export const planAnswer = z.looseObject({
  revision: z.number(),
  planHash: z.string().nullable(),
  changes: z.array(change),
  problems: z.array(z.looseObject({ code: z.string(), field: z.string(), message: z.string() })),
});

export const applyAnswer = z.looseObject({
  revision: z.number(),
  changes: z.array(change),
  tokens: z.array(z.looseObject({ agent: z.string(), token: z.string() })),
});

export type PlanAnswer = z.infer<typeof planAnswer>;
export type ChangeAnswer = z.infer<typeof change>;

/** Whether there is anything that apply would do. */
export function isChange({ changes }: PlanAnswer): boolean {
  return changes.some(({ action }) => action !== 'NONE');
}
