import { weekDays } from '@onecli/shared/domain/time-window';
import { z } from 'zod';
import { newPolicyInput, policyReplacementInput } from '../policies/policy-input.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody } from './rest-body.ts';
import { id, pageOf, revision, texts, standing } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const deny = z.strictObject({
  hosts: texts,
  paths: texts.optional(),
  methods: texts.optional(),
  windows: z
    .array(z.strictObject({ days: z.array(z.enum(weekDays)), from: z.string(), to: z.string(), zone: z.string() }))
    .optional(),
});
const allow = deny.extend({
  secrets: texts.optional(),
  rateLimit: z.strictObject({ requests: z.int(), perSeconds: z.int(), by: z.enum(['agent', 'rule']) }).optional(),
  maxConcurrent: z.int().optional(),
  maxBodyBytes: z.int().optional(),
  tunnel: z.literal(true).optional(),
  http2: z.literal(true).optional(),
  plainHttp: z.literal(true).optional(),
  approval: z.literal(true).optional(),
});

const policy = z
  .strictObject({
    id,
    name: z.string(),
    version: z.int().min(1),
    agents: z.array(z.union([z.string(), z.strictObject({ labels: z.record(z.string(), z.string()) })])),
    mode: z.enum(['enforce', 'monitor']),
    rules: z.array(z.union([z.strictObject({ allow }), z.strictObject({ deny })])),
    ...standing,
  })
  .meta({ id: 'Policy' });
const written = policy.extend({ revision }).meta({ id: 'WrittenPolicy' });

/** `/api/policies`. */
export function policyRoutes(policies: PolicyService): RestRoute[] {
  return [...policyReads(policies), ...policyWrites(policies)];
}

function policyReads(policies: PolicyService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/policies',
      id: 'listPolicies',
      summary: 'Policies in the order of their names',
      access: 'policy:read',
      query: pageForm,
      status: 200,
      answer: pageOf(policy),
      handle: async ({ principal, query }) => pageBody(await policies.list(principal, query), (view) => view),
    }),
    restRoute({
      method: 'get',
      path: '/policies/{name}',
      id: 'getPolicy',
      isConditional: true,
      summary: 'A policy',
      access: 'policy:read',
      status: 200,
      answer: policy,
      handle: ({ principal, params }) => policies.get(principal, params.name),
    }),
  ];
}

function policyWrites(policies: PolicyService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/policies',
      id: 'createPolicy',
      isWaitable: true,
      summary: 'Make a policy',
      access: 'policy:create',
      body: newPolicyInput.meta({ id: 'NewPolicy' }),
      status: 201,
      answer: written,
      faults: ['NAME_TAKEN'],
      handle: async ({ principal, body }) => {
        const { object, revision } = await policies.create(principal, body);
        return { ...object, revision };
      },
    }),
    restRoute({
      method: 'put',
      path: '/policies/{name}',
      id: 'replacePolicy',
      isWaitable: true,
      isConditional: true,
      summary: 'Replace agents, mode and rules as a whole',
      access: 'policy:update',
      body: policyReplacementInput.meta({ id: 'PolicyReplacement' }),
      status: 200,
      answer: written,
      handle: async ({ principal, params, body, conditions }) => {
        const { object, revision } = await policies.replace(principal, params.name, body, conditions);
        return { ...object, revision };
      },
    }),
    restRoute({
      method: 'delete',
      path: '/policies/{name}',
      id: 'deletePolicy',
      isWaitable: true,
      isConditional: true,
      summary: 'Remove a policy; absent is fine',
      access: 'policy:delete',
      status: 204,
      handle: ({ principal, params, conditions }) => policies.remove(principal, params.name, conditions),
    }),
  ];
}
