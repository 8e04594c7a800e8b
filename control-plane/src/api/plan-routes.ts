import { faultCodes } from '@onecli/shared/fault';
import { z } from 'zod';
import { applyRequest, planRequest } from '../plan/config-document.ts';
import type { PlanService } from '../plan/plan.service.ts';
import { objectKinds, planActions } from '../plan/planned-change.ts';
import { revision } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const change = z
  .strictObject({
    kind: z.enum(objectKinds),
    name: z.string(),
    action: z.enum(planActions),
    fields: z.array(z.strictObject({ field: z.string(), before: z.unknown(), after: z.unknown() })).meta({
      description: 'Of a value only `(new value)`.',
    }),
    makesToken: z.boolean().meta({ description: 'An agent that gets a token by it.' }),
    refused: z
      .strictObject({ code: z.enum(faultCodes), message: z.string() })
      .nullable()
      .meta({ description: 'Why apply would refuse it.' }),
  })
  .meta({ id: 'PlannedChange' });
const changes = z.array(change);
const problem = z.strictObject({ code: z.enum(faultCodes), field: z.string(), message: z.string() });

/** `/api/plan` and `/api/apply`. A token is in the answer to the apply that made it, and in no other. */
export function planRoutes(plans: PlanService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/plan',
      id: 'plan',
      summary: 'What apply would do; changes nothing',
      description: 'Values are compared by their fingerprint and kept nowhere.',
      access: 'login',
      body: planRequest.meta({ id: 'PlanRequest' }),
      status: 200,
      answer: z.strictObject({
        revision,
        planHash: z.string().nullable().meta({ description: 'For apply; null when it would be refused.' }),
        changes,
        problems: z.array(problem),
      }),
      handle: ({ principal, body }) => plans.plan(principal, body),
    }),
    restRoute({
      method: 'post',
      path: '/apply',
      id: 'apply',
      isWaitable: true,
      summary: 'Do what a plan says: all of it, in one revision, or nothing',
      access: 'login',
      body: applyRequest.meta({ id: 'ApplyRequest' }),
      status: 200,
      answer: z.strictObject({
        revision,
        changes,
        tokens: z.array(z.strictObject({ agent: z.string(), token: z.string() })).meta({
          description: 'Of agents that got one: told this once.',
        }),
      }),
      faults: ['MANAGED_ELSEWHERE', 'IDENTITY_TAKEN', 'SECRET_UNAVAILABLE'],
      handle: ({ principal, body }) => plans.apply(principal, body),
    }),
  ];
}
