import { Fault } from '@onecli/shared/fault';
import type { Policy } from '@onecli/shared/domain/policy';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import { type DataSource, In } from 'typeorm';
import { AgentEntity, type AgentRow } from '../agents/agent.entity.ts';
import type { AuditStore, AuditView } from '../audit/audit-store.ts';
import { writeAuditCursor } from '../audit/audit-cursor.ts';
import { authorize } from '../auth/authorize.ts';
import { FewAtOnce } from '../auth/few-at-once.ts';
import type { Principal } from '../auth/principal.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import { type Impact, type PastRequest, PolicyImpact } from './policy-impact.ts';

/** Requests of one agent to one place that would come to something else. */
export interface ImpactedRequests extends Impact {
  readonly agent: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly requests: number;
  /** The cursor of the last of them. */
  readonly last: string;
}

export interface ImpactReport {
  /** How many requests were looked at, the newest first. */
  readonly examined: number;
  /** Every request since then was looked at. */
  readonly isComplete: boolean;
  readonly since: Date;
  /** How many of them would come to something else. */
  readonly changed: number;
  /** Those with the most requests first. */
  readonly changes: readonly ImpactedRequests[];
}

/** Either a policy as an upsert takes it, or the name of one that is removed. */
export interface ImpactQuestion {
  readonly input?: unknown;
  readonly remove?: string | undefined;
  readonly hours: number;
}

const pageSize = 1_000;
const maxExamined = 20_000;
const maxMs = 4_000;
const maxGroups = 200;
const maxGroupsKept = 5_000;

/** Which requests of the last hours another policy would decide differently. Nothing is written or sent. */
export class PolicyImpactService {
  readonly #database: DataSource;
  readonly #policies: PolicyService;
  readonly #audit: AuditStore;
  readonly #few = new FewAtOnce(
    { ofPrincipal: 1, inAll: 2 },
    'Requests are being looked at for another policy already: try again when that is done',
  );

  constructor(database: DataSource, policies: PolicyService, audit: AuditStore) {
    this.#database = database;
    this.#policies = policies;
    this.#audit = audit;
  }

  /** @throws Fault FORBIDDEN, INVALID, NOT_FOUND for a policy to remove that is not there, OVERLOADED when too many are under way */
  async impact(principal: Principal, question: ImpactQuestion): Promise<ImpactReport> {
    authorize(principal, 'audit:read');
    authorize(principal, 'policy:read');
    authorize(principal, 'agent:read');
    return this.#few.run(principal, () => this.#find(question));
  }

  async #find(question: ImpactQuestion): Promise<ImpactReport> {
    const before = (await this.#policies.bodies()).map(({ id, name, body }): Policy => ({ id, name, ...body }));
    const impact = new PolicyImpact(before, await this.#after(before, question));
    const since = new Date(Date.now() - question.hours * 3_600_000);
    return this.#examine(impact, since);
  }

  async #after(before: readonly Policy[], { input, remove }: ImpactQuestion): Promise<Policy[]> {
    if (remove !== undefined) {
      if (!before.some(({ name }) => name === remove))
        throw new Fault('NOT_FOUND', 'There is no policy of that name', { field: 'remove' });
      return before.filter(({ name }) => name !== remove);
    }
    const { name, body } = await this.#policies.draft(input);
    const others = before.filter((policy) => policy.name !== name);
    const id = before.find((policy) => policy.name === name)?.id ?? '';
    return [...others, { id, name, ...body }];
  }

  async #examine(impact: PolicyImpact, since: Date): Promise<ImpactReport> {
    const endsAt = performance.now() + maxMs;
    const agents = new Map<string, AgentRow | undefined>();
    const groups = new Map<string, ImpactedRequests>();
    let [examined, changed] = [0, 0];
    let after: string | undefined;
    do {
      const page = await this.#audit.list({ since: since.getTime() }, { after, limit: pageSize });
      await this.#learn(agents, page.items);
      for (const event of page.items) {
        examined++;
        const found = impactOf(impact, event, agents);
        if (found === undefined) continue;
        changed++;
        gather(groups, event, found);
      }
      after = page.next ?? undefined;
    } while (after !== undefined && examined < maxExamined && performance.now() < endsAt);
    const changes = [...groups.values()].sort((one, other) => other.requests - one.requests).slice(0, maxGroups);
    return { examined, isComplete: after === undefined, since, changed, changes };
  }

  /** Looks up the agents of events that are not known yet; one that is not there any more is undefined. */
  async #learn(agents: Map<string, AgentRow | undefined>, events: readonly AuditView[]): Promise<void> {
    const names = new Set(events.flatMap(({ agent }) => (agent === null || agents.has(agent) ? [] : [agent])));
    if (names.size === 0) return;
    for (const name of names) agents.set(name, undefined);
    for (const row of await this.#database.manager.findBy(AgentEntity, { name: In([...names]) }))
      agents.set(row.name, row);
  }
}

function impactOf(
  impact: PolicyImpact,
  event: AuditView,
  agents: ReadonlyMap<string, AgentRow | undefined>,
): Impact | undefined {
  const agent = event.agent === null ? undefined : agents.get(event.agent);
  const target = event.path === null ? undefined : parseTarget(event.path);
  if (agent === undefined || target === undefined || target.kind === 'fault') return undefined;
  const { host, port, method, time } = event;
  const secrets = event.secrets.map((used) => used.split('@')[0] ?? '');
  const request: PastRequest = {
    agent,
    host,
    port,
    method,
    readings: target.readings,
    timeMs: time.getTime(),
    secrets,
  };
  return impact.of(request);
}

function gather(groups: Map<string, ImpactedRequests>, event: AuditView, impact: Impact): void {
  const { host, port, method, time, id } = event;
  const [agent, path] = [event.agent ?? '', event.path ?? ''];
  const key = JSON.stringify([agent, host, port, method, path, impact.before.outcome, impact.after.outcome]);
  const known = groups.get(key);
  if (known === undefined && groups.size >= maxGroupsKept) return;
  // The newest come first.
  const last = known?.last ?? writeAuditCursor({ timeMs: time.getTime(), id });
  groups.set(key, { ...impact, agent, host, port, method, path, requests: (known?.requests ?? 0) + 1, last });
}
