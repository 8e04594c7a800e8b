import { parseJsonPath } from '@onecli/shared/domain/json-path';
import { Cron } from 'croner';
import { z } from 'zod';
import { line, secretName, text } from '../configuration/input-parts.ts';
import { generateInput } from '../secrets/generate-value.ts';
import { hasDotSegment, isKeyId } from './key-id.ts';
import { templateFault } from './template.ts';

const maxHeaders = 30;

const template = (maxLength: number) =>
  text(maxLength).superRefine((given, context) => {
    const fault = templateFault(given);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

const url = template(2048).refine(
  (given) =>
    !given.includes('onecli://') &&
    !/\{\{(?:new|old)\}\}/.test(given) &&
    /^https:\/\/[^/?#{}\\@\s]+(?:[/?]|$)/.test(given) &&
    !/[#\\\t\n\r]/.test(given) &&
    !hasDotSegment(given.split('?')[0] ?? '') &&
    URL.canParse(given),
  'must be an https:// URL whose host is written out, without user, fragment, `.` and `..` in the path',
);

const headers = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'must have names of header fields'),
    template(2048).refine((given) => !/[\r\n\0]/.test(given), 'must be one line'),
  )
  .refine((given) => Object.keys(given).length <= maxHeaders, `must be at most ${maxHeaders} headers`)
  // Of two the last is sent, and the first would say how the body is to be read.
  .refine(
    (given) => new Set(Object.keys(given).map((name) => name.toLowerCase())).size === Object.keys(given).length,
    'must have each header once, whatever its case',
  )
  .refine(
    (given) => !Object.keys(given).some((name) => ownHeaders.has(name.toLowerCase())),
    'must not have Host, Content-Length, Transfer-Encoding, Connection, Expect or Accept-Encoding',
  );
const ownHeaders = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'expect', 'accept-encoding']);

const statuses = z
  .array(z.int().min(200, 'must be 200 to 599').max(599, 'must be 200 to 599'))
  .min(1, 'must name at least one status')
  .max(20, 'must be at most 20 statuses');

/** A request to a provider. Its texts are templates: see template.ts. */
const request = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  url,
  headers: headers.default({}),
  basic: z.strictObject({ user: template(512), password: template(512) }).optional(),
  /** JSON unless a Content-Type says otherwise. */
  body: template(32 * 1024).optional(),
  expectStatus: statuses.optional(),
});
export type RequestTemplate = z.output<typeof request>;

const jsonPath = z.string().superRefine((given, context) => {
  const parsed = parseJsonPath(given);
  if (parsed.kind === 'invalid') context.addIssue({ code: 'custom', message: parsed.problem });
  else if (given.includes('*')) context.addIssue({ code: 'custom', message: 'must name one place, without `*`' });
});

const create = z.strictObject({
  ...request.shape,
  /** Where in the JSON answer the new key is. */
  valuePath: jsonPath,
  /** Where the provider's name of it is, for `revoke`. */
  keyIdPath: jsonPath.optional(),
});

const webhook = z.strictObject({ url, secret: secretName });
const seconds = (most: number) =>
  z.int('must be a whole number').min(0, 'must be 0 or more').max(most, `must be at most ${most}`);

const cronText = line(128).superRefine((given, context) => {
  try {
    if (new Cron(given, { paused: true, mode: '5-part' }).nextRun() === null)
      context.addIssue({ code: 'custom', message: 'names a time that never comes' });
  } catch {
    context.addIssue({ code: 'custom', message: 'must be cron text of five fields, like `0 3 1 * *`' });
  }
});

/** How a secret is rotated. What makes the new value: one of `create`, `webhook` and `generate`. */
export const rotationInput = z
  .strictObject({
    create: create.optional(),
    webhook: webhook.optional(),
    generate: generateInput.optional(),
    /** Hands a generated value to the provider. */
    deliver: request.optional(),
    /** A canary request with the new value. */
    verify: request.optional(),
    verifyAttempts: z.int().min(1, 'must be 1 to 20').max(20, 'must be 1 to 20').default(5),
    verifyEverySeconds: seconds(300).default(2),
    /** Ends the old key at the provider. */
    revoke: request.optional(),
    graceSeconds: seconds(90 * 24 * 3600).default(24 * 3600),
    watchSeconds: seconds(24 * 3600).default(600),
    rollBackAfter: z.int().min(1, 'must be 1 to 10000').max(10_000, 'must be 1 to 10000').default(3),
    rollBackShare: z.number().gt(0, 'must be above 0').max(1, 'must be at most 1').default(0.5),
    schedule: cronText.nullable().default(null),
    zone: z.string().refine(isZone, 'must be a time zone such as Europe/Berlin').default('UTC'),
    isEnabled: z.boolean().default(true),
    /** What the provider calls the key that is current now, where `create` has not told it. */
    currentKeyId: line(512).refine(isKeyId, 'must not be empty, nor have `.` or `..` as a part of a path').optional(),
  })
  .superRefine((given, context) => {
    const sources = [given.create, given.webhook, given.generate].filter((source) => source !== undefined);
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', message, path: [path] });
    if (sources.length !== 1) problem('create', 'is to be given, or `webhook`, or `generate`: exactly one of them');
    if (given.deliver !== undefined && given.generate === undefined) problem('deliver', 'is for `generate`');
    if (given.graceSeconds < given.watchSeconds)
      problem('graceSeconds', 'must be as long as watchSeconds: a rollback needs the old key');
  });
export type RotationBody = Omit<z.output<typeof rotationInput>, 'schedule' | 'zone' | 'isEnabled' | 'currentKeyId'>;

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone.length <= 64;
  } catch {
    return false;
  }
}
