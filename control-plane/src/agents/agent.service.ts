import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { agentTokenPrefix } from '@onecli/shared/domain/agent-token';
import { isPlainName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { DataSource, EntityManager } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { Removed, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { AgentEntity, type AgentRow, AgentTokenEntity } from './agent.entity.ts';
import { agentUpdateInput, newAgentInput } from './agent-input.ts';
import { type AgentView, viewAgents } from './agent-view.ts';

const tokenBytes = 32;
const shownCharacters = 8;

/** An agent and its new token, which is told this once and kept nowhere. */
export interface WrittenAgentToken extends Written<AgentView> {
  readonly token: string;
}

/** Agents and the tokens by which the proxy knows them. */
export class AgentService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #keys: InstanceKeys;

  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    this.#dataSource = dataSource;
    this.#change = change;
    this.#keys = keys;
  }

  /** One page, in the order of names. */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<AgentView>> {
    authorize(principal, 'agent:read');
    const page = await pageByName(this.#dataSource.manager, AgentEntity, request);
    return { items: await viewAgents(this.#dataSource.manager, page.items), next: page.next };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, name: string): Promise<AgentView> {
    authorize(principal, 'agent:read');
    return viewOne(this.#dataSource.manager, await requireAgent(this.#dataSource.manager, name));
  }

  /** Makes an agent with one token. @throws Fault INVALID, NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<WrittenAgentToken> {
    authorize(principal, 'agent:create');
    const { name, labels } = parseInput(newAgentInput, input);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await tx.manager.existsBy(AgentEntity, { name })) throw new Fault('NAME_TAKEN', `The agent ${name} exists`);
      const now = new Date();
      const row: AgentRow = { id: randomUUID(), name, labels, isDisabled: false, createdAt: now, updatedAt: now };
      await tx.manager.insert(AgentEntity, row);
      const token = await this.#insertToken(tx.manager, row.id, now);
      tx.changed('agent', row.id, 'upsert');
      tx.audit('agent:create', 'agent', name);
      return { object: await viewOne(tx.manager, row), token };
    });
    return { ...result, change: 'CREATED', revision };
  }

  /** Gives a new token; those before it are dead from this revision on. @throws Fault NOT_FOUND */
  async rotate(principal: Principal, name: string): Promise<WrittenAgentToken> {
    authorize(principal, 'agent:rotate');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = await requireAgent(tx.manager, name);
      const now = new Date();
      await tx.manager.delete(AgentTokenEntity, { agentId: row.id });
      const token = await this.#insertToken(tx.manager, row.id, now);
      await tx.manager.update(AgentEntity, { id: row.id }, { updatedAt: now });
      tx.changed('agent', row.id, 'upsert');
      tx.audit('agent:rotate', 'agent', name);
      return { object: await viewOne(tx.manager, { ...row, updatedAt: now }), token };
    });
    return { ...result, change: 'UPDATED', revision };
  }

  /** Changes what is given. @throws Fault INVALID, NOT_FOUND */
  async update(principal: Principal, name: string, input: unknown): Promise<Written<AgentView>> {
    authorize(principal, 'agent:update');
    const update = parseInput(agentUpdateInput, input);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const before = await requireAgent(tx.manager, name);
      const after = {
        ...before,
        labels: update.labels ?? before.labels,
        isDisabled: update.isDisabled ?? before.isDisabled,
      };
      const fields = (['labels', 'isDisabled'] as const).filter(
        (field) => !isDeepStrictEqual(before[field], after[field]),
      );
      if (fields.length === 0) return { object: await viewOne(tx.manager, before), change: 'UNCHANGED' as const };
      after.updatedAt = new Date();
      const { labels, isDisabled, updatedAt } = after;
      await tx.manager.update(AgentEntity, { id: before.id }, { labels, isDisabled, updatedAt });
      tx.changed('agent', before.id, 'upsert');
      tx.audit('agent:update', 'agent', name, { fields });
      return { object: await viewOne(tx.manager, after), change: 'UPDATED' as const };
    });
    return { ...result, revision };
  }

  /** Removes an agent and its tokens; one that is absent is fine. Policies that name it keep the name. */
  async remove(principal: Principal, name: string): Promise<Removed> {
    authorize(principal, 'agent:delete');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = isPlainName(name) ? await tx.manager.findOneBy(AgentEntity, { name }) : null;
      if (row === null) return 'UNCHANGED';
      await tx.manager.delete(AgentEntity, { id: row.id });
      tx.changed('agent', row.id, 'remove');
      tx.audit('agent:delete', 'agent', name);
      return 'DELETED';
    });
    return { change: result, revision };
  }

  async #insertToken(manager: EntityManager, agentId: string, now: Date): Promise<string> {
    const token = agentTokenPrefix + randomBytes(tokenBytes).toString('base64url');
    await manager.insert(AgentTokenEntity, {
      id: randomUUID(),
      agentId,
      hash: tokenHash(this.#keys.tokenPepper, token),
      prefix: token.slice(0, shownCharacters),
      createdAt: now,
      expiresAt: null,
    });
    return token;
  }
}

async function requireAgent(manager: EntityManager, name: string): Promise<AgentRow> {
  const row = isPlainName(name) ? await manager.findOneBy(AgentEntity, { name }) : null;
  if (row === null) throw new Fault('NOT_FOUND', 'There is no agent of that name');
  return row;
}

async function viewOne(manager: EntityManager, row: AgentRow): Promise<AgentView> {
  const [view] = await viewAgents(manager, [row]);
  if (view === undefined) throw new Error('A view was not made');
  return view;
}
