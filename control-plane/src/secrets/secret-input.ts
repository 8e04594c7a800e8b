import { scrubModes, surfaces, usualSurfaces } from '@onecli/shared/domain/binding';
import { parseJsonPath } from '@onecli/shared/domain/json-path';
import { isAliasPrefix, maxAliasPrefixLength } from '@onecli/shared/domain/placeholder';
import { z } from 'zod';
import { hostPatterns, secretName, text } from '../configuration/input-parts.ts';
import { generateInput } from './generate-value.ts';

const maxValueBytes = 64 * 1024;
const maxDescription = 1000;

/** What would end a header field or a line; PostgreSQL never sees the value, but every upstream does. */
export const secretValue = z
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

const moment = z
  .union([z.date(), z.iso.datetime({ offset: true })], 'must be a time such as 2027-01-31T12:00:00Z')
  .transform((given) => new Date(given));
const leaseText = 'must be 1 to 31536000 seconds';
const leaseSeconds = z.int('must be a whole number').min(1, leaseText).max(31_536_000, leaseText);
const maxVersions = z.int('must be a whole number').min(1, 'must be 1 to 1000').max(1000, 'must be 1 to 1000');

/** Of value and generator one at most: each says what the value is. */
function isOneSource(given: { value?: unknown; generate?: unknown }): boolean {
  return given.value === undefined || given.generate === undefined;
}
const oneSource = { message: 'is for a secret without `value`', path: ['generate'] };

/** The fields of a new secret, each by itself. */
export const newSecretFields = z.strictObject({
  name: secretName,
  value: secretValue.optional(),
  generate: generateInput.optional(),
  description: text(maxDescription).default(''),
  binding: binding.nullable().default(null),
  alias: alias.nullable().default(null),
  expiresAt: moment.nullable().default(null),
  leaseSeconds: leaseSeconds.nullable().default(null),
  maxVersions: maxVersions.nullable().default(null),
});

/** A new secret. Without a binding it is never used. */
export const newSecretInput = newSecretFields
  .refine(isOneSource, oneSource)
  .refine((given) => given.value !== undefined || given.generate !== undefined, {
    message: 'is required, or `generate`',
    path: ['value'],
  });

/** The fields of a change; what is absent stays as it is. */
const changeable = {
  value: secretValue.optional(),
  generate: generateInput.optional(),
  description: text(maxDescription).optional(),
  binding: binding.nullable().optional(),
  alias: alias.nullable().optional(),
  isDisabled: z.boolean().optional(),
  expiresAt: moment.nullable().optional(),
  leaseSeconds: leaseSeconds.nullable().optional(),
  maxVersions: maxVersions.nullable().optional(),
};

/**
 * A change of a secret. A value, given or to be generated, makes a new version; a null binding unbinds, a null alias ends
 * it, a null time or number ends that limit.
 */
export const secretUpdateInput = z.strictObject(changeable).refine(isOneSource, oneSource);

/**
 * A secret as it is to be: like an update, by name; null sets a field back to its default. What is to be generated is
 * generated for a new secret alone.
 */
export const secretUpsertInput = z
  .strictObject({
    ...changeable,
    name: secretName.optional(),
    description: text(maxDescription)
      .nullish()
      .transform((given) => (given === null ? '' : given)),
    isDisabled: z
      .boolean()
      .nullish()
      .transform((given) => (given === null ? false : given)),
  })
  .refine(isOneSource, oneSource);

const maxGraceSeconds = 90 * 24 * 3600;

/** A version's number. */
export const versionInput = z
  .int('must be a whole number')
  .min(1, 'must be 1 or more')
  .max(999_999_999, 'is no version');

/** A new alias: with another prefix if one is given; the alias before dies after so many seconds, or at once. */
export const aliasRotationInput = z.strictObject({
  prefix: alias.shape.prefix.nullish().transform((given) => given ?? undefined),
  graceSeconds: z
    .int('must be a whole number')
    .min(0, 'must be 0 or more')
    .max(maxGraceSeconds, 'must be at most 90 days')
    .default(0),
});
