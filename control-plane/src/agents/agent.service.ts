import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AgentIdentity } from '@onecli/shared/domain/identity';
import { isPlainName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import type { DataSource, EntityManager } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { Removed, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { claimIdentities, openIdentities, requireAgent, sealIdentities } from './agent-identities.ts';
import { AgentEntity, type AgentRow, AgentTokenEntity } from './agent.entity.ts';
import { agentUpdateInput, newAgentInput } from './agent-input.ts';
import { insertToken, renewed, tokenIdentity } from './agent-token.ts';
import { type AgentView, viewAgents } from './agent-view.ts';
import { identitiesOf } from './identity-document.ts';

/** An agent, and its token where this write made one: it is told this once and kept nowhere. */
export interface WrittenAgent extends Written<AgentView> {
  readonly token: string | null;
}

/** Agents and what the proxy knows them by. */
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
    return { items: await viewAgents(this.#dataSource.manager, this.#keys.keyring, page.items), next: page.next };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, name: string): Promise<AgentView> {
    authorize(principal, 'agent:read');
    return this.#view(this.#dataSource.manager, await requireAgent(this.#dataSource.manager, name));
  }

  /** Makes an agent, with a token if that is one of its identities. @throws Fault INVALID, NAME_TAKEN, IDENTITY_TAKEN */
  async create(principal: Principal, input: unknown): Promise<WrittenAgent> {
    authorize(principal, 'agent:create');
    const { name, labels, identities: inputs } = parseInput(newAgentInput, input);
    const identities = identitiesOf(inputs);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await tx.manager.existsBy(AgentEntity, { name })) throw new Fault('NAME_TAKEN', `The agent ${name} exists`);
      const [now, id] = [new Date(), randomUUID()];
      const sealedIdentities = sealIdentities(this.#keys.keyring, id, identities);
      const standing = { isDisabled: false, managedBy: null };
      const row = { id, name, labels, ...standing, sealedIdentities, createdAt: now, updatedAt: now };
      await tx.manager.insert(AgentEntity, row);
      await claimIdentities(tx.manager, this.#keys, id, identities);
      const token = await this.#followTokens(tx.manager, id, [], identities, now);
      tx.changed('agent', id, 'upsert');
      tx.audit('agent:create', 'agent', name, { identities: identities.map(({ kind }) => kind) });
      return { object: await this.#view(tx.manager, row), token };
    });
    return { ...result, change: 'CREATED', revision };
  }

  /**
   * Gives a new token; those before it are dead from this revision on. One that expires lives as long as the one before was
   * given. @throws Fault NOT_FOUND; INVALID for an agent that is known by other things than a token
   */
  async rotate(principal: Principal, name: string): Promise<WrittenAgent & { readonly token: string }> {
    authorize(principal, 'agent:rotate');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = await requireAgent(tx.manager, name);
      const identities = openIdentities(this.#keys.keyring, row);
      const before = tokenIdentity(identities);
      if (!before) throw new Fault('INVALID', `The agent ${name} has no token among its identities`);
      const now = new Date();
      const after = await renewed(tx.manager, row.id, before, now);
      await this.#writeIdentities(
        tx,
        row,
        identities.map((identity) => (identity === before ? after : identity)),
      );
      await tx.manager.delete(AgentTokenEntity, { agentId: row.id });
      const { expiresAtMs } = after;
      const made = { agentId: row.id, createdAt: now, expiresAtMs };
      const token = await insertToken(tx.manager, this.#keys.tokenPepper, made);
      await tx.manager.update(AgentEntity, { id: row.id }, { updatedAt: now });
      tx.changed('agent', row.id, 'upsert');
      tx.audit('agent:rotate', 'agent', name);
      return { object: await this.#view(tx.manager, await requireAgent(tx.manager, name)), token };
    });
    return { ...result, change: 'UPDATED', revision };
  }

  /**
   * Changes what is given. An agent that gets a token by it is told that; one that loses it is not known by it any more.
   * @throws Fault INVALID, NOT_FOUND, IDENTITY_TAKEN
   */
  async update(principal: Principal, name: string, input: unknown): Promise<WrittenAgent> {
    authorize(principal, 'agent:update');
    const { identities: inputs, ...update } = parseInput(agentUpdateInput, input);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = await requireAgent(tx.manager, name);
      const identities = openIdentities(this.#keys.keyring, row);
      const before = { labels: row.labels, isDisabled: row.isDisabled, identities };
      const after = {
        labels: update.labels ?? row.labels,
        isDisabled: update.isDisabled ?? row.isDisabled,
        identities: inputs ? identitiesOf(inputs) : identities,
      };
      const fields = (['labels', 'isDisabled', 'identities'] as const).filter(
        (field) => !isSame(before[field], after[field]),
      );
      if (fields.length === 0)
        return { object: await this.#view(tx.manager, row), token: null, change: 'UNCHANGED' as const };
      const updatedAt = new Date();
      if (fields.includes('identities')) await this.#writeIdentities(tx, row, after.identities);
      const token = await this.#followTokens(tx.manager, row.id, identities, after.identities, updatedAt);
      const { labels, isDisabled } = after;
      await tx.manager.update(AgentEntity, { id: row.id }, { labels, isDisabled, updatedAt });
      tx.changed('agent', row.id, 'upsert');
      tx.audit('agent:update', 'agent', name, { fields });
      const object = await this.#view(tx.manager, await requireAgent(tx.manager, name));
      return { object, token, change: 'UPDATED' as const };
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

  async #writeIdentities(tx: ConfigTransaction, row: AgentRow, identities: readonly AgentIdentity[]): Promise<void> {
    await claimIdentities(tx.manager, this.#keys, row.id, identities);
    const sealedIdentities = sealIdentities(this.#keys.keyring, row.id, identities);
    await tx.manager.update(AgentEntity, { id: row.id }, { sealedIdentities });
  }

  /** Brings the tokens to what the identities say; gives the token that had to be made. */
  async #followTokens(
    manager: EntityManager,
    agentId: string,
    before: readonly AgentIdentity[],
    after: readonly AgentIdentity[],
    now: Date,
  ): Promise<string | null> {
    const [had, has] = [tokenIdentity(before), tokenIdentity(after)];
    if (had && !has) await manager.delete(AgentTokenEntity, { agentId });
    const expiresAtMs = has?.expiresAtMs;
    if (!had && has) return insertToken(manager, this.#keys.tokenPepper, { agentId, createdAt: now, expiresAtMs });
    const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs);
    if (had && has && had.expiresAtMs !== expiresAtMs)
      await manager.update(AgentTokenEntity, { agentId }, { expiresAt });
    return null;
  }

  async #view(manager: EntityManager, row: AgentRow): Promise<AgentView> {
    const [view] = await viewAgents(manager, this.#keys.keyring, [row]);
    if (view === undefined) throw new Error('A view was not made');
    return view;
  }
}

/** As they are kept: what is undefined is not there. */
function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
}
