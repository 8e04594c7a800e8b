import { isPlainName, isSecretName } from '@onecli/shared/domain/names';
import { formatHostPattern, parseHostPattern } from '@onecli/shared/domain/host-pattern';
import { parsePathPattern } from '@onecli/shared/domain/path-pattern';
import { z } from 'zod';

/** PostgreSQL holds no NUL in text, its JSON no lone surrogate, and nothing readable has a control character. */
const unprintable = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\p{Surrogate}/u;
const notOneLine = /[\x00-\x1f\x7f]|\p{Surrogate}/u;

/** Text for people, of several lines at most. */
export function text(maxLength: number) {
  return z
    .string()
    .max(maxLength, `must be at most ${maxLength} characters`)
    .refine((value) => !unprintable.test(value), 'must not have control characters');
}

/** Text of one line. */
export function line(maxLength: number) {
  return z
    .string()
    .max(maxLength, `must be at most ${maxLength} characters`)
    .refine((value) => !notOneLine.test(value), 'must be one line without control characters');
}

export const secretName = z
  .string()
  .refine(isSecretName, 'must be `environment/name` in lower case, like `prod/openai`, of at most 128 characters');

export const plainName = z
  .string()
  .refine(
    isPlainName,
    'must be lower-case letters, digits, `.`, `_`, `-`, starting with a letter or digit, of at most 128',
  );

/** A host pattern in its canonical form; refused with the reason that parseHostPattern gives. */
export const hostPattern = z.string().transform((value, context) => {
  const parsed = value.length > 300 ? { kind: 'invalid' as const, problem: 'is too long' } : parseHostPattern(value);
  if (parsed.kind === 'pattern') return formatHostPattern(parsed.pattern);
  context.addIssue({ code: 'custom', message: parsed.problem });
  return z.NEVER;
});

const maxHosts = 200;

/** At least one host pattern, canonical, each once. */
export const hostPatterns = z
  .array(hostPattern)
  .min(1, 'must name at least one host')
  .max(maxHosts, `must be at most ${maxHosts} hosts`)
  .transform((hosts) => [...new Set(hosts)]);

/** A path pattern; refused with the reason that parsePathPattern gives. */
export const pathPattern = z.string().superRefine((value, context) => {
  const parsed = parsePathPattern(value);
  if (parsed.kind === 'invalid') context.addIssue({ code: 'custom', message: parsed.problem });
});

/** A token of RFC 9110 (section 5.6.2), in upper case as every method in use is. */
export const method = z
  .string()
  .regex(/^[A-Z][A-Z0-9!#$%&'*+.^_`|~-]{0,31}$/, 'must be an HTTP method in upper case, like `GET`');

const maxLabels = 64;

export const labels = z
  .record(
    z
      .string()
      .regex(
        /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
        'must have keys of letters, digits, `.`, `_`, `/`, `-`, of at most 63',
      ),
    line(128),
  )
  .refine((value) => Object.keys(value).length <= maxLabels, `must be at most ${maxLabels} labels`);
