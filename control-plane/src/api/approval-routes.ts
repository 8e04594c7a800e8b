import { z } from 'zod';
import { approvalInput, stateInput } from '../approvals/approval-input.ts';
import { approvalStates } from '../approvals/approval-store.ts';
import type { ShownApproval } from '../approvals/rule-now.ts';
import type { ApprovalService, DecidedApproval } from '../approvals/approval.service.ts';
import { pageForm } from './page-query.ts';
import { id, pageOf, revision, texts, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const approval = z
  .strictObject({
    id,
    state: z.enum(approvalStates),
    agent: z.string(),
    rule: z.string().meta({ description: 'The rule that asks, `policy/rules/index`; where it is gone, as it was.' }),
    covers: z
      .strictObject({ hosts: texts, paths: texts, methods: texts })
      .nullable()
      .meta({ description: 'All that the rule covers. Null: it was changed or removed since.' }),
    host: z.string(),
    port: z.int(),
    method: z.string(),
    path: z.string(),
    environments: texts,
    asks: z.int().min(1),
    askedAt: time,
    lastAskedAt: time,
    decidedAt: time.nullable(),
    decidedBy: z.string().nullable(),
    endsAt: time.nullable(),
    isWholeRule: z.boolean(),
  })
  .meta({ id: 'Approval', description: 'What an agent was refused until a person approves it.' });
const decided = approval.extend({ revision }).meta({ id: 'DecidedApproval' });

/** `/api/approvals`. */
export function approvalRoutes(approvals: ApprovalService): RestRoute[] {
  return [...reads(approvals), ...decisions(approvals)];
}

function reads(approvals: ApprovalService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/approvals',
      id: 'listApprovals',
      summary: 'What agents asked persons to approve, the newest first',
      access: 'approval:read',
      query: pageForm.extend({ state: stateInput.optional(), agent: z.string().optional() }),
      status: 200,
      answer: pageOf(approval),
      handle: async ({ principal, query: { state, ...page } }) => {
        const { items, next } = await approvals.list(principal, { ...page, ...(state && { states: [state] }) });
        return { items: items.map((item) => show(item.approval)), next: next ?? null };
      },
    }),
    restRoute({
      method: 'get',
      path: '/approvals/{id}',
      id: 'getApproval',
      summary: 'What an agent asked a person to approve',
      access: 'approval:read',
      status: 200,
      answer: approval,
      handle: async ({ principal, params }) => show(await approvals.get(principal, params.id)),
    }),
  ];
}

function decisions(approvals: ApprovalService): RestRoute[] {
  const common = { method: 'post', access: 'approval:decide', isWaitable: true, status: 200, answer: decided } as const;
  return [
    restRoute({
      ...common,
      path: '/approvals/{id}/approve',
      id: 'approve',
      summary: 'Let the agent do what it asked for, for some minutes: that request, or all that the rule covers',
      body: approvalInput.meta({ id: 'ApprovalTerms' }),
      faults: ['CONFLICT'],
      handle: async ({ principal, params, body }) => showDecided(await approvals.approve(principal, params.id, body)),
    }),
    restRoute({
      ...common,
      path: '/approvals/{id}/deny',
      id: 'deny',
      summary: 'Say no: for an hour nobody is asked again; what was approved ends',
      handle: async ({ principal, params }) => showDecided(await approvals.deny(principal, params.id)),
    }),
    restRoute({
      ...common,
      path: '/approvals/{id}/end',
      id: 'endApproval',
      summary: 'End what was approved or denied: the agent may ask again',
      handle: async ({ principal, params }) => showDecided(await approvals.end(principal, params.id)),
    }),
  ];
}

function show({ agentId: _agentId, policyId: _policyId, key: _key, ...shown }: ShownApproval) {
  return shown;
}

function showDecided({ object, revision: writtenIn }: DecidedApproval) {
  return { ...show(object), revision: writtenIn };
}
