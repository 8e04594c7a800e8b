import { scrubModes, surfaces, usualSurfaces } from '@onecli/shared/domain/binding';
import { parseJsonPath } from '@onecli/shared/domain/json-path';
import { isAliasPrefix, maxAliasPrefixLength } from '@onecli/shared/domain/placeholder';
import { z } from 'zod';
import { hostPatterns, secretName, text } from '../configuration/input-parts.ts';

const maxValueBytes = 64 * 1024;
const maxDescription = 1000;

/** What would end a header field or a line; PostgreSQL never sees the value, but every upstream does. */
const value = z
  .string()
  .min(1, 'must not be empty')
  .refine((text) => Buffer.byteLength(text) <= maxValueBytes, 'must be at most 64 KB')
  .refine((text) => !/[\r\n\0]/.test(text), 'must not have a line break or a NUL character')
  .refine((text) => !/[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text), 'must not have control characters')
  .refine((text) => !/\p{Surrogate}/u.test(text), 'must be well-formed Unicode');

const jsonPath = z.string().superRefine((text, context) => {
  const parsed = parseJsonPath(text);
  if (parsed.kind === 'invalid') context.addIssue({ code: 'custom', message: parsed.problem });
});

const fields = z.strictObject({
  hosts: hostPatterns,
  surfaces: z
    .array(z.enum(surfaces, `must be one of: ${surfaces.join(', ')}`))
    .min(1, 'must name at least one surface')
    .transform((list) => surfaces.filter((surface) => list.includes(surface)))
    .default([...usualSurfaces]),
  jsonPaths: z
    .array(jsonPath)
    .min(1, 'must name at least one path, or be absent')
    .max(50, 'must be at most 50 paths')
    .optional(),
  allowCleartext: z.boolean().optional(),
  scrub: z.enum(scrubModes, `must be one of: ${scrubModes.join(', ')}`).default('replace'),
});

const binding = fields.refine(({ surfaces, jsonPaths }) => jsonPaths === undefined || surfaces.includes('json'), {
  message: 'is for the surface `json`, which `surfaces` does not name',
  path: ['jsonPaths'],
});

const alias = z.strictObject({
  prefix: z
    .string()
    .refine(
      isAliasPrefix,
      `must be 1 to ${maxAliasPrefixLength} letters, digits, \`_\` and \`-\`, without \`onecli\`, like \`sk-\``,
    ),
});

/** A new secret. Without a binding it is never used. */
export const newSecretInput = z.strictObject({
  name: secretName,
  value,
  description: text(maxDescription).default(''),
  binding: binding.nullable().default(null),
  alias: alias.nullable().default(null),
});

/** A change of a secret; what is absent stays as it is. A value makes a new version; a null binding unbinds, a null alias ends it. */
export const secretUpdateInput = z.strictObject({
  value: value.optional(),
  description: text(maxDescription).optional(),
  binding: binding.nullable().optional(),
  alias: alias.nullable().optional(),
  isDisabled: z.boolean().optional(),
});

/** A secret as it is to be: like an update, by name; null sets a field back to its default. */
export const secretUpsertInput = z.strictObject({
  ...secretUpdateInput.shape,
  name: secretName,
  description: text(maxDescription)
    .nullish()
    .transform((given) => (given === null ? '' : given)),
  isDisabled: z
    .boolean()
    .nullish()
    .transform((given) => (given === null ? false : given)),
});
