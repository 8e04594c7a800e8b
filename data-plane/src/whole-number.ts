import { z } from 'zod';

/** A setting that is a whole number, in decimal digits. */
export function wholeNumber(isAllowed: (value: number) => boolean) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,9})$/)
    .transform(Number)
    .refine(isAllowed);
}
