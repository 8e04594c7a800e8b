import { z } from 'zod';

/** Parts of answers, as JSON has them. They describe; nothing is parsed with them but in tests. */

export const id = z.uuid();
export const time = z.date();
export const texts = z.array(z.string());

/** Of the configuration; that of a write holds what was written. */
export const revision = z.int().min(0).meta({ description: 'The revision of the configuration that has it.' });

/** Of an object that a write may be held against. */
export const lastRevision = z.int().min(0).meta({ description: 'The revision that last wrote it.' });

/** What every object of the configuration shows beside its content. */
export const standing = {
  managedBy: z
    .string()
    .nullable()
    .meta({ description: 'The source of configuration as code that made it; null: made by hand.' }),
  revision: lastRevision,
  createdAt: time,
  updatedAt: time,
};

/** One page of a list; `next` is null on the last one. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().nullable().meta({ description: '`after` of the next page; null at the end.' }),
  });
}
