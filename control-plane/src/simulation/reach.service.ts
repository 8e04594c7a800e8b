import { type AgentSelector, selectorPicks } from '@onecli/shared/domain/agent-selector';
import { CompiledPolicy } from '@onecli/shared/domain/evaluate-policy';
import type { Policy, Rule } from '@onecli/shared/domain/policy';
import type { DataSource } from 'typeorm';
import { AgentEntity } from '../agents/agent.entity.ts';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { type Page, defaultLimit } from '../configuration/page.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import type { Reach, ReachFilter } from './reach.type.ts';

/** Which rules are meant: those to which all of it applies. */
type AskedReach = { readonly [Name in keyof ReachFilter]?: Exclude<ReachFilter[Name], null> | undefined };

interface KnownAgent {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const maxAgentsShown = 20;
const httpsPort = 443;

/** Who may reach what, as the rules say it. */
export class ReachService {
  readonly #database: DataSource;
  readonly #policies: PolicyService;

  constructor(database: DataSource, policies: PolicyService) {
    this.#database = database;
    this.#policies = policies;
  }

  /** One page of rules, by the names of their policies. @throws Fault FORBIDDEN */
  async list(
    principal: Principal,
    filter: AskedReach,
    { after, limit = defaultLimit }: { readonly after?: string | undefined; readonly limit?: number | undefined },
  ): Promise<Page<Reach>> {
    authorize(principal, 'policy:read');
    authorize(principal, 'agent:read');
    const agents: KnownAgent[] = await this.#database.manager.find(AgentEntity, {
      select: { id: true, name: true, labels: true },
      order: { name: 'ASC' },
    });
    const asked = agents.find(({ name }) => name === filter.agent);
    if (filter.agent !== undefined && asked === undefined) return { items: [], next: undefined };
    const policies = (await this.#policies.bodies()).map(({ id, name, body }): Policy => ({ id, name, ...body }));
    const found = policies
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .filter((policy) => asked === undefined || picks(policy, asked))
      .flatMap((policy) => policy.rules.map((rule, index) => ({ policy, rule, place: placeOf(policy, index) })))
      .filter(({ policy, rule }) => rule.lifts === undefined && isMeant(policy, rule, filter));
    const begin = after === undefined ? 0 : found.findIndex(({ place }) => comesAfter(place, after));
    const items = begin === -1 ? [] : found.slice(begin, begin + limit);
    const selected = new Map<string, readonly string[]>();
    const entries = items.map(({ policy, rule, place }) => {
      const names = selected.get(policy.name) ?? namesOf(policy.agents, agents);
      selected.set(policy.name, names);
      return entryOf(policy, rule, { place, names });
    });
    const isMore = begin !== -1 && begin + limit < found.length;
    return { items: entries, next: isMore ? items.at(-1)?.place : undefined };
  }
}

function placeOf({ name }: Policy, index: number): string {
  return `${name}/rules/${index}`;
}

/** By the policy's name, then by the rule's number; a rule that is gone still has a place. */
function comesAfter(place: string, cursor: string): boolean {
  const [name = '', index] = place.split('/rules/');
  const [cursorName = '', cursorIndex] = cursor.split('/rules/');
  return name === cursorName ? Number(index) > Number(cursorIndex) : name > cursorName;
}

function picks({ agents }: Policy, agent: KnownAgent): boolean {
  return agents.some((selector) => selectorPicks(selector, agent));
}

function isMeant(policy: Policy, rule: Rule, { host, port = httpsPort, secret }: AskedReach): boolean {
  if (secret !== undefined && !rule.secrets.includes(secret)) return false;
  if (host === undefined) return true;
  const { allow, deny } = new CompiledPolicy([{ ...policy, rules: [rule] }]).rulesFor(host, port);
  return allow.length + deny.length > 0;
}

function namesOf(selectors: readonly AgentSelector[], agents: readonly KnownAgent[]): string[] {
  const byName = new Set(selectors.flatMap((selector) => (selector.kind === 'name' ? [selector.name] : [])));
  const others = selectors.filter(({ kind }) => kind !== 'name');
  return agents
    .filter((agent) => byName.has(agent.name) || others.some((selector) => selectorPicks(selector, agent)))
    .map(({ name }) => name);
}

function entryOf(
  { mode }: Policy,
  { effect, hosts, paths, methods, secrets }: Rule,
  { place, names }: { readonly place: string; readonly names: readonly string[] },
): Reach {
  const agents = { agents: names.slice(0, maxAgentsShown), agentCount: names.length };
  return { rule: place, effect, isMonitored: mode === 'monitor', ...agents, hosts, paths, methods, secrets };
}
