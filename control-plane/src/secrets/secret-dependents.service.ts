import { selectorPicks } from '@onecli/shared/domain/agent-selector';
import { environmentOf } from '@onecli/shared/domain/names';
import type { DataSource } from 'typeorm';
import { AgentEntity } from '../agents/agent.entity.ts';
import { authorize, may } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { Page, PageRequest } from '../configuration/page.ts';
import { selectorFrom } from '../policies/policy-document.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import type { RouteService } from '../routes/route.service.ts';
import { requireSecret } from './require-secret.ts';
import { viewSecret } from './secret-view.ts';

/** What would be different without a secret, as far as the principal may see it. */
export interface SecretDependents {
  /** Names of the policies with a rule that grants it. */
  readonly policies: readonly string[];
  /** Names of the routes that put it into requests. */
  readonly routes: readonly string[];
  /** Names of the agents that those policies pick, the first 200. */
  readonly agents: readonly string[];
  readonly agentCount: number;
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
  async of(principal: Principal, name: string): Promise<SecretDependents> {
    authorize(principal, 'secret:read', environmentOf(name));
    const { manager } = this.#dataSource;
    const { lastUsedAt } = await viewSecret(manager, await requireSecret(manager, name));
    const policies = await found(
      (request) => this.#policies.list(principal, request),
      ({ rules }) => rules.some((rule) => 'allow' in rule && rule.allow.secrets?.includes(name)),
    );
    const routes = await found(
      (request) => this.#routes.list(principal, request),
      ({ secret }) => secret === name,
    );
    const selectors = policies.flatMap((policy) => policy.agents.map(selectorFrom));
    const agents =
      selectors.length === 0 || !may(principal, 'agent:read')
        ? []
        : (await manager.find(AgentEntity, { select: { id: true, name: true, labels: true }, order: { name: 'ASC' } }))
            .filter((agent) => selectors.some((selector) => selectorPicks(selector, agent)))
            .map((agent) => agent.name);
    return {
      policies: policies.map((policy) => policy.name),
      routes: routes.map((route) => route.name),
      agents: agents.slice(0, maxAgents),
      agentCount: agents.length,
      lastUsedAt,
    };
  }
}

/** Everything of a list that is looked for, page after page. */
async function found<T>(list: (request: PageRequest) => Promise<Page<T>>, isMeant: (item: T) => boolean): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page = await list({ after, limit: 200 });
    items.push(...page.items.filter(isMeant));
    after = page.next;
  } while (after !== undefined);
  return items;
}
