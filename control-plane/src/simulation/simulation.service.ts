/** What the proxy would say to a request, and why: by the proxy's own evaluation, over the configuration as it is now. */
import { selectorPicks } from '@onecli/shared/domain/agent-selector';
import { CompiledPolicy, decide, type Decision } from '@onecli/shared/domain/evaluate-policy';
import type { GrantScope } from '@onecli/shared/domain/grant-placeholders';
import { inspectHeader } from '@onecli/shared/domain/inspect-header';
import type { Policy } from '@onecli/shared/domain/policy';
import { type RuleTrace, tracePolicies } from '@onecli/shared/domain/trace-policy';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { AgentEntity, type AgentRow } from '../agents/agent.entity.ts';
import type { AuditStore, AuditView } from '../audit/audit-store.ts';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import { knownSecrets } from './known-secrets.ts';
import { parseSimulation, type SimulatedRequest } from './simulation-input.ts';
import type { Explanation, SimulatedHeader, Simulation } from './simulation.type.ts';

/** A past request as it is in the trail, and what would be decided now. */
export type ExplainedEvent = Omit<Explanation, 'event'> & { readonly event: AuditView };

export class SimulationService {
  readonly #database: DataSource;
  readonly #policies: PolicyService;
  readonly #audit: AuditStore;

  constructor(database: DataSource, policies: PolicyService, audit: AuditStore) {
    this.#database = database;
    this.#policies = policies;
    this.#audit = audit;
  }

  /** Decides a request that is not sent. Rate limits, identity and the address are not asked. @throws Fault INVALID, NOT_FOUND, FORBIDDEN */
  async simulate(principal: Principal, input: unknown): Promise<Simulation> {
    authorize(principal, 'policy:read');
    authorize(principal, 'agent:read');
    return this.#decide(parseSimulation(input), Date.now());
  }

  /** Decides a past request again. @throws Fault FORBIDDEN, INVALID for a cursor of no event */
  async explain(principal: Principal, cursor: string): Promise<ExplainedEvent> {
    authorize(principal, 'audit:read');
    authorize(principal, 'policy:read');
    const event = await this.#audit.at(cursor);
    const asked = requestOf(event);
    if (typeof asked === 'string') return { event, now: null, problem: asked, hasChanged: await this.#isAfter(event) };
    try {
      const now = await this.#decide(asked, event.time.getTime());
      return { event, now, problem: null, hasChanged: now.revision > event.revision };
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'NOT_FOUND') throw error;
      return { event, now: null, problem: 'The agent is not there any more', hasChanged: true };
    }
  }

  async #isAfter(event: AuditView): Promise<boolean> {
    return (await this.#revision()) > event.revision;
  }

  async #revision(): Promise<number> {
    const [row]: { revision: string }[] = await this.#database.query('SELECT revision FROM config_state');
    return Number(row?.revision ?? 0);
  }

  async #decide(asked: SimulatedRequest, nowMs: number): Promise<Simulation> {
    const revision = await this.#revision();
    const agent = await this.#database.manager.findOneBy(AgentEntity, { name: asked.agent });
    if (agent === null) throw new Fault('NOT_FOUND', 'There is no agent of that name', { field: 'agent' });
    const policies = await this.#policiesOf(agent);
    const rules = new CompiledPolicy(policies).rulesFor(asked.host, asked.port);
    const methods = [asked.method, ...overridesOf(asked)];
    const request = { ...asked, methods, nowMs };
    const traced = tracePolicies(policies, request);
    const decision = decide(rules, methods, asked.readings, nowMs);
    if (decision.kind === 'deny' || agent.isDisabled) {
      const rule = decision.kind === 'deny' ? (decision.rule ?? null) : null;
      const reason = agent.isDisabled ? 'PROXY_AUTH_INVALID' : faultOfDenial(decision);
      return { revision, decision: 'deny', reason, rule, granted: [], trace: traceTo(rule, traced), headers: [] };
    }
    const headers = await this.#headersOf(asked, decision.secrets);
    const refused = headers.find(({ outcome }) => outcome !== 'REPLACED');
    const rule = decision.rule ?? decision.monitored?.rule ?? null;
    return {
      revision,
      decision: refused ? 'deny' : 'allow',
      reason: refused?.outcome ?? (decision.monitored ? 'MONITORED' : 'ALLOWED'),
      rule,
      granted: [...decision.secrets],
      trace: traceTo(rule, traced),
      headers,
    };
  }

  async #policiesOf(agent: AgentRow): Promise<Policy[]> {
    const policies = await this.#policies.bodies();
    const record = { name: agent.name, labels: agent.labels };
    return policies
      .map(({ id, name, body }): Policy => ({ id, name, ...body }))
      .filter((policy) => policy.agents.some((selector) => selectorPicks(selector, record)));
  }

  async #headersOf(asked: SimulatedRequest, grants: ReadonlySet<string>): Promise<SimulatedHeader[]> {
    const configuration = await knownSecrets(this.#database.manager, grants);
    const scope: GrantScope = { configuration, grants, host: asked.host, port: asked.port, isSecure: asked.isSecure };
    return asked.headers.flatMap((header, index): SimulatedHeader[] => {
      const spot = inspectHeader(header, index, scope);
      if (spot === undefined) return [];
      if ('kind' in spot)
        return [{ header: header.name, outcome: spot.kind as SimulatedHeader['outcome'], secrets: [] }];
      const secrets = [...new Set(spot.grants.map(({ secret, version }) => `${secret.name}@${version.version}`))];
      return [{ header: header.name, outcome: 'REPLACED', secrets }];
    });
  }
}

function faultOfDenial(decision: Decision): string {
  return decision.kind === 'deny' && decision.reason === 'APPROVAL_REQUIRED' ? decision.reason : 'POLICY_DENIED';
}

/** What each rule says, and which of them decides. */
function traceTo(rule: string | null, traced: readonly RuleTrace[]): Simulation['trace'] {
  return traced.map((one) => ({ ...one, decides: one.rule === rule }));
}

/** Methods by which an override header asks upstreams to take it: policy judges them all. */
function overridesOf({ headers }: SimulatedRequest): string[] {
  return headers
    .filter(({ name }) => /^x-(?:http-method-override|http-method|method-override)$/.test(name))
    .flatMap(({ value }) => value.split(',').map((text) => text.trim().toUpperCase()));
}

/** The request of an event, or why it cannot be told. Headers and query are in no event. */
function requestOf({ agent, path, host, port, method }: AuditView): SimulatedRequest | string {
  if (agent === null) return 'Nobody proved who it was';
  if (path === null) return 'The sealed part of the event does not open: its row was altered';
  const target = parseTarget(path);
  if (target.kind === 'fault') return 'The event is of no request with a path that the proxy takes';
  return { agent, method, host, port, isSecure: true, readings: target.readings, headers: [] };
}
