import { selectorPicks } from '@onecli/shared/domain/agent-selector';
import type { PolicyBody } from '@onecli/shared/domain/policy';
import type { DataSource } from 'typeorm';
import { AgentEntity, type AgentRow } from '../agents/agent.entity.ts';
import { may } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ObjectRef } from '../configuration/object-ref.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import type { RouteService } from '../routes/route.service.ts';
import { requireSecretFor } from './require-secret.ts';
import { viewSecret } from './secret-view.ts';

/** What would be different without a secret. What the principal may not read is counted, and not named. */
export interface SecretDependents {
  /** Names of the policies with a rule that grants it. */
  readonly policies: readonly string[];
  readonly hiddenPolicyCount: number;
  /** Names of the routes that put it into requests. */
  readonly routes: readonly string[];
  readonly hiddenRouteCount: number;
  /** Names of the agents that those policies pick, the first 200. */
  readonly agents: readonly string[];
  readonly agentCount: number;
  /** How many agents only policies pick that are hidden, or all when the principal may read none. */
  readonly hiddenAgentCount: number;
  readonly lastUsedAt: Date | null;
}

const maxAgents = 200;

/** Tells what depends on a secret, before somebody disables or deletes it. */
export class SecretDependentsService {
  readonly #dataSource: DataSource;
  readonly #policies: PolicyService;
  readonly #routes: RouteService;

  constructor(dataSource: DataSource, policies: PolicyService, routes: RouteService) {
    this.#dataSource = dataSource;
    this.#policies = policies;
    this.#routes = routes;
  }

  /** @throws Fault NOT_FOUND */
  async of(principal: Principal, ref: ObjectRef): Promise<SecretDependents> {
    const { manager } = this.#dataSource;
    const secret = await requireSecretFor(manager, principal, ['secret:read'], ref);
    const { name, lastUsedAt } = await viewSecret(manager, secret);
    const granting = (await this.#policies.bodies()).filter(({ body: { rules } }) =>
      rules.some(({ effect, secrets }) => effect === 'allow' && secrets.includes(name)),
    );
    const policies = granting.filter(({ body }) => this.#policies.isReadable(principal, body));
    const injecting = (await this.#routes.bodies()).filter(({ body }) => body.secret === name);
    const routes = injecting.filter(({ body }) => this.#routes.isReadable(principal, body));
    const allAgents = await this.#agentsOf(granting);
    const agents = may(principal, 'agent:read') ? pickedBy(policies, allAgents).map((agent) => agent.name) : [];
    return {
      policies: policies.map((policy) => policy.name),
      hiddenPolicyCount: granting.length - policies.length,
      routes: routes.map((route) => route.name),
      hiddenRouteCount: injecting.length - routes.length,
      agents: agents.slice(0, maxAgents),
      agentCount: agents.length,
      hiddenAgentCount: allAgents.length - agents.length,
      lastUsedAt,
    };
  }

  async #agentsOf(policies: readonly Selecting[]): Promise<Picked[]> {
    if (policies.length === 0) return [];
    const select = { id: true, name: true, labels: true } as const;
    return pickedBy(policies, await this.#dataSource.manager.find(AgentEntity, { select, order: { name: 'ASC' } }));
  }
}

type Selecting = { readonly body: Pick<PolicyBody, 'agents'> };
type Picked = Pick<AgentRow, 'id' | 'name' | 'labels'>;

function pickedBy(policies: readonly Selecting[], agents: readonly Picked[]): Picked[] {
  const selectors = policies.flatMap(({ body }) => body.agents);
  return agents.filter((agent) => selectors.some((selector) => selectorPicks(selector, agent)));
}
