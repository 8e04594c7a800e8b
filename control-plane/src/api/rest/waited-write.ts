import { z } from 'zod';
import { type Applied, type AppliedWait, waitMs } from '../../workers/applied-wait.ts';
import { revision } from './answer-parts.ts';

const timeoutText = `must be a whole number of milliseconds, 1-${waitMs.most}`;

/** The query parameters of every write that workers have to apply. */
export const waitForm = z.strictObject({
  wait: z.enum(['none', 'all'], { error: 'must be `none` or `all`' }).optional().meta({
    description: '`all`: it is answered when every live worker has applied it, or the time is over: see `applied`.',
  }),
  timeoutMs: z
    .string()
    .regex(/^[0-9]{1,5}$/, timeoutText)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= waitMs.most, timeoutText)
    .meta({ description: `For how long to wait; default ${waitMs.default}, at most ${waitMs.most}.` })
    .optional(),
});

const applied = z
  .strictObject({
    isEverywhere: z.boolean().meta({
      description: 'At least one worker has applied it, and none that is known to run is `behind` or `silent`.',
    }),
    confirmedBy: z.int().min(0).meta({ description: 'How many live workers have applied it.' }),
    behind: z.array(z.string()).meta({ description: 'Live workers that had not applied it in time.' }),
    silent: z
      .array(z.string())
      .meta({ description: 'Workers that stopped reporting: nobody knows by what they decide.' }),
  })
  .meta({ id: 'Applied' });
const appliedPart = {
  applied: applied
    .nullable()
    .optional()
    .meta({ description: 'With `wait=all` alone. Null: the database did not tell in time; the write is made.' }),
};

/** What a write is answered with that has no body when it is not waited for. */
export const waitedAnswer = z.strictObject({ revision, ...appliedPart }).meta({ id: 'Waited' });

const widened = new WeakMap<z.ZodObject, z.ZodType>();

/** The answer of a write with what became of it at the workers. One schema has one such. */
export function withApplied(answer: z.ZodType): z.ZodType {
  if (!(answer instanceof z.ZodObject)) throw new Error('A write answers with an object');
  const made = widened.get(answer) ?? answer.extend(appliedPart).meta({ ...answer.meta() });
  widened.set(answer, made);
  return made;
}

/** For how long a call asks to wait, in milliseconds; undefined: not at all. */
export function waitOf(query: unknown): number | undefined {
  const { wait, timeoutMs } = query as z.output<typeof waitForm>;
  return wait === 'all' ? (timeoutMs ?? waitMs.default) : undefined;
}

/** What was written is told even when the workers cannot be asked: then null. */
export function told(wait: AppliedWait, written: unknown, timeoutMs: number): Promise<Applied | null> {
  return wait.until((written as { readonly revision: number }).revision, timeoutMs).catch(() => null);
}
