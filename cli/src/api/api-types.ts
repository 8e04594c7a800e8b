import { selectorOf, selectorPicks } from '@onecli/shared/domain/agent-selector';
import { z } from 'zod';
import { ruleSchema } from '../policy-rules.ts';

// Answers are read leniently: fields that this version does not know are kept for --json and otherwise ignored.

export const secretSchema = z.looseObject({
  name: z.string(),
  version: z.number().nullish(),
  description: z.string().nullish(),
  alias: z.string().nullish(),
  binding: z.looseObject({ hosts: z.array(z.string()), surfaces: z.array(z.string()).nullish() }).nullish(),
});
export type Secret = z.infer<typeof secretSchema>;

export const agentSchema = z.looseObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()).nullish(),
  disabled: z.boolean().nullish(),
  identities: z.array(z.record(z.string(), z.unknown())).nullish(),
});
export type Agent = z.infer<typeof agentSchema>;

export const tokenSchema = z.looseObject({ token: z.string().min(1) });

/** A write of an agent; the token only where one was made. */
export const writtenAgentSchema = z.looseObject({ token: z.string().min(1).optional() });

export const certificateSchema = z.looseObject({
  certificate: z.string(),
  privateKey: z.string(),
  expiresAt: z.string(),
});

const selectorSchema = z.union([z.string(), z.looseObject({ labels: z.record(z.string(), z.string()) })]);

export const policySchema = z.looseObject({
  name: z.string(),
  agents: z.array(selectorSchema),
  mode: z.string().nullish(),
  rules: z.array(ruleSchema),
});
export type Policy = z.infer<typeof policySchema>;

const templateSchema = z.looseObject({ name: z.string(), template: z.string() }).nullish();
export const routeSchema = z.looseObject({
  name: z.string(),
  secret: z.string(),
  hosts: z.array(z.string()),
  inject: z.array(
    z.looseObject({
      header: templateSchema,
      query: templateSchema,
      path: z.looseObject({ template: z.string() }).nullish(),
      remove: z.looseObject({ header: z.string().nullish(), query: z.string().nullish() }).nullish(),
    }),
  ),
  problem: z.string().nullish(),
});
export type Route = z.infer<typeof routeSchema>;

export const auditEventSchema = z.looseObject({
  id: z.string(),
  time: z.string(),
  agent: z.string().nullish(),
  decision: z.string(),
  reason: z.string().nullish(),
  host: z.string().nullish(),
  port: z.number().nullish(),
  method: z.string().nullish(),
  path: z.string().nullish(),
  status: z.number().nullish(),
  latencyMs: z.number().nullish(),
  secrets: z.array(z.string()).nullish(),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;

/** Path of one named thing: `/api/secrets/prod%2Fopenai`. */
export function pathOf(
  kind: 'secrets' | 'agents' | 'policies' | 'routes' | 'users' | 'api-keys' | 'rotations' | 'workers' | 'approvals',
  name: string,
): string {
  return `/api/${kind}/${encodeURIComponent(name)}`;
}

/** Whether a policy's selectors pick an agent of that name and with those labels; one without labels picks nobody. */
export function selectsAgent(policy: Policy, agent: string, labels: Readonly<Record<string, string>>): boolean {
  return policy.agents.some((selector) => {
    const picking =
      typeof selector === 'string' ? selectorOf(selector) : { kind: 'labels' as const, labels: selector.labels };
    return selectorPicks(picking, { name: agent, labels });
  });
}
