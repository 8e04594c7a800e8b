import { z } from 'zod';
import { certificateInput } from '../agents/agent-certificate.service.ts';
import type { AgentCertificateService } from '../agents/agent-certificate.service.ts';
import { agentUpdateInput, newAgentInput } from '../agents/agent-input.ts';
import type { AgentService, WrittenAgent } from '../agents/agent.service.ts';
import { agent, certificate, token, written } from './agent-answer.ts';
import { pageForm } from './page-query.ts';
import { pageBody, showDisabled, withDisabled } from './rest-body.ts';
import { pageOf } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const { isDisabled: disabled, ...changeable } = agentUpdateInput.shape;
const update = z.strictObject({ ...changeable, disabled }).meta({ id: 'AgentUpdate' });

const show = ({ object, token, revision }: WrittenAgent) => ({
  ...showDisabled(object),
  ...(token !== null && { token }),
  revision,
});

/** `/api/agents`. A token and a certificate's key are in the answer that made them, and in no other. */
export function agentRoutes(agents: AgentService, certificates: AgentCertificateService): RestRoute[] {
  return [
    ...agentReads(agents),
    ...agentWrites(agents),
    ...handOverRoutes(agents, certificates),
    switchRoute(agents, { verb: 'disable', isDisabled: true }),
    switchRoute(agents, { verb: 'enable', isDisabled: false }),
  ];
}

function agentReads(agents: AgentService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/agents',
      id: 'listAgents',
      summary: 'Agents in the order of their names',
      access: 'agent:read',
      query: pageForm,
      status: 200,
      answer: pageOf(agent),
      handle: async ({ principal, query }) => pageBody(await agents.list(principal, query), showDisabled),
    }),
    restRoute({
      method: 'get',
      path: '/agents/{name}',
      id: 'getAgent',
      isConditional: true,
      summary: 'An agent, without its tokens',
      access: 'agent:read',
      status: 200,
      answer: agent,
      handle: async ({ principal, params }) => showDisabled(await agents.get(principal, params.name)),
    }),
  ];
}

function agentWrites(agents: AgentService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/agents',
      id: 'createAgent',
      isWaitable: true,
      summary: 'Make an agent; its token is in this answer and in no other',
      access: 'agent:create',
      body: newAgentInput.meta({ id: 'NewAgent' }),
      status: 201,
      answer: written,
      faults: ['NAME_TAKEN', 'IDENTITY_TAKEN'],
      handle: async ({ principal, body }) => show(await agents.create(principal, body)),
    }),
    restRoute({
      method: 'put',
      path: '/agents/{name}',
      id: 'putAgent',
      isWaitable: true,
      isConditional: true,
      summary: 'Change what is given; labels and identities as a whole',
      access: 'agent:update',
      body: update,
      status: 200,
      answer: written,
      faults: ['IDENTITY_TAKEN'],
      handle: async ({ principal, params, body, conditions }) =>
        show(await agents.update(principal, params.name, withDisabled(body), conditions)),
    }),
    restRoute({
      method: 'delete',
      path: '/agents/{name}',
      id: 'deleteAgent',
      isWaitable: true,
      isConditional: true,
      summary: 'Remove an agent and its tokens; absent is fine',
      access: 'agent:delete',
      status: 204,
      handle: ({ principal, params, conditions }) => agents.remove(principal, params.name, conditions),
    }),
  ];
}

/** What gives an agent something to be known by. */
function handOverRoutes(agents: AgentService, certificates: AgentCertificateService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/agents/{name}/rotate',
      id: 'rotateAgentToken',
      isWaitable: true,
      isConditional: true,
      summary: 'Give an agent a new token; those before it are dead',
      access: 'agent:rotate',
      status: 200,
      answer: token,
      handle: async ({ principal, params, conditions }) => {
        const { token, revision } = await agents.rotate(principal, params.name, conditions);
        return { token, revision };
      },
    }),
    restRoute({
      method: 'post',
      path: '/agents/{name}/certificate',
      id: 'issueAgentCertificate',
      isWaitable: true,
      summary: 'Issue a client certificate with the names of the agent’s mtls identities',
      access: 'agent:rotate',
      body: certificateInput.meta({ id: 'CertificateRequest' }),
      status: 201,
      answer: certificate,
      handle: async ({ principal, params, body }) => {
        const { object, revision } = await certificates.issue(principal, params.name, body);
        return { ...object, revision };
      },
    }),
  ];
}

function switchRoute(
  agents: AgentService,
  { verb, isDisabled }: { readonly verb: 'enable' | 'disable'; readonly isDisabled: boolean },
): RestRoute {
  return restRoute({
    method: 'post',
    path: `/agents/{name}/${verb}`,
    id: `${verb}Agent`,
    isWaitable: true,
    isConditional: true,
    summary: isDisabled ? 'Refuse an agent from now on' : 'Let an agent in again',
    access: 'agent:update',
    status: 200,
    answer: written,
    handle: async ({ principal, params, conditions }) =>
      show(await agents.update(principal, params.name, { isDisabled }, conditions)),
  });
}
