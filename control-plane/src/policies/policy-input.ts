import { isPlainName } from '@onecli/shared/domain/names';
import { parseTimeWindow, weekDays } from '@onecli/shared/domain/time-window';
import { z } from 'zod';
import { hostPatterns, labels, method, pathPattern, plainName, secretName } from '../configuration/input-parts.ts';

const timeWindow = z
  .strictObject({
    days: z.array(z.enum(weekDays, `must be one of ${weekDays.join(', ')}`)),
    from: z.string(),
    to: z.string(),
    zone: z.string(),
  })
  .superRefine((value, context) => {
    const parsed = parseTimeWindow(value);
    if (parsed.kind === 'invalid') context.addIssue({ code: 'custom', path: [parsed.field], message: parsed.problem });
  });

const scope = {
  hosts: hostPatterns,
  paths: z.array(pathPattern).max(200, 'must be at most 200 paths').optional(),
  methods: z.array(method).max(50, 'must be at most 50 methods').optional(),
  windows: z.array(timeWindow).max(50, 'must be at most 50 windows').optional(),
};
const wholeNumber = (max: number) =>
  z
    .number()
    .refine(
      (value) => Number.isInteger(value) && value >= 1 && value <= max,
      `must be a whole number from 1 to ${max}`,
    );

const rateLimit = z.strictObject({
  requests: wholeNumber(1_000_000),
  perSeconds: wholeNumber(86_400),
  by: z.enum(['agent', 'rule'], 'must be `agent` or `rule`').default('agent'),
});

const notInTunnels = ['paths', 'methods', 'secrets', 'maxBodyBytes', 'http2', 'plainHttp', 'approval'] as const;

const allow = z
  .strictObject({
    ...scope,
    secrets: z.array(secretName).max(200, 'must be at most 200 secrets').optional(),
    rateLimit: rateLimit.optional(),
    maxConcurrent: wholeNumber(100_000).optional(),
    maxBodyBytes: wholeNumber(1_000_000_000_000).optional(),
    tunnel: z.boolean().optional(),
    http2: z.boolean().optional(),
    plainHttp: z.boolean().optional(),
    approval: z.boolean().optional(),
  })
  .superRefine((value, context) => {
    if (!value.tunnel) return;
    const field = notInTunnels.find((name) => isSaid(value[name]));
    if (field)
      context.addIssue({ code: 'custom', path: [field], message: 'must be absent: what is in a `tunnel` is not seen' });
  });
const deny = z.strictObject(scope);

const rule = z
  .strictObject({ allow: allow.optional(), deny: deny.optional() })
  .refine((value) => (value.allow === undefined) !== (value.deny === undefined), 'must have either `allow` or `deny`');

const agentLabels = labels.refine((value) => Object.keys(value).length > 0, 'must name at least one label');

const agentName = z
  .string()
  .refine(
    (value) => isPlainName(value.replaceAll('*', 'x')) && !value.includes('**'),
    'must be an agent’s name, in lower-case letters, digits, `.`, `_`, `-`, or a glob with `*`, like `ci-*`',
  );

const content = {
  agents: z
    .array(z.union([agentName, z.strictObject({ labels: agentLabels })], 'must be an agent’s name or {"labels":{…}}'))
    .max(500, 'must be at most 500 agents'),
  mode: z.enum(['enforce', 'monitor'], 'must be `enforce` or `monitor`').optional(),
  rules: z.array(rule).max(500, 'must be at most 500 rules'),
};

function isSaid(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

/** A policy as a person writes it. */
export const newPolicyInput = z.strictObject({ name: plainName, ...content });

/** All of a policy but its name, which may be repeated. */
export const policyReplacementInput = z.strictObject({ name: plainName.optional(), ...content });

export type PolicyContent = Omit<z.output<typeof newPolicyInput>, 'name'>;
