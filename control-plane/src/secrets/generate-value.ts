import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { line } from '../configuration/input-parts.ts';

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';

/** The alphabets that have a name. */
export const alphabets = {
  alphanumeric: upper + lower + digits,
  hex: `${digits}abcdef`,
  digits,
  base32: `${upper}234567`,
  base64url: `${upper + lower + digits}-_`,
  // Without what shells, URLs and quotes take for more than itself.
  symbols: `${upper + lower + digits}!#%*+,-./:=?@^_~`,
} as const;
export type AlphabetName = keyof typeof alphabets;
export const alphabetNames = Object.keys(alphabets) as AlphabetName[];

const leastBits = 80;

/** What a random value is to look like. Fewer than 80 random bits are refused. */
export const generateInput = z
  .strictObject({
    length: z
      .int()
      .min(1, 'must be 1 to 4096')
      .max(4096, 'must be 1 to 4096')
      .nullish()
      .transform((given) => given ?? 40),
    alphabet: z
      .enum(alphabetNames, `must be one of: ${alphabetNames.join(', ')}`)
      .nullish()
      .transform((given) => given ?? 'alphanumeric'),
    prefix: line(64)
      .nullish()
      .transform((given) => given ?? ''),
  })
  .refine(({ length, alphabet }) => length * Math.log2(alphabets[alphabet].length) >= leastBits, {
    message: `is too short for this alphabet: fewer than ${leastBits} random bits`,
    path: ['length'],
  });
export type Generate = z.output<typeof generateInput>;

/** A random value: every character is drawn by itself, from the system's source of randomness. */
export function generateValue({ length, alphabet, prefix }: Generate): string {
  const characters = alphabets[alphabet];
  return prefix + Array.from({ length }, () => characters.charAt(randomInt(characters.length))).join('');
}
