import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AgentIdentity } from '@onecli/shared/domain/identity';
import type { AgentToken } from '@onecli/shared/domain/snapshot';
import { Fault } from '@onecli/shared/fault';
import { partFingerprint } from '@onecli/shared/vault/keyed-hash';
import type { DataSource, EntityManager } from 'typeorm';
import { authorize, authorizeEither } from '../auth/authorize.ts';
import { beforeAndAfter } from '../auth/events/recorded-change.ts';
import type { Principal } from '../auth/principal.ts';
import { removeLiftsOf } from '../approvals/lift-store.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { findNamed, type ObjectRef } from '../configuration/object-ref.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import { type Selection, selectRows } from '../configuration/select-rows.ts';
import type { Change, Removal, Removed, WriteOptions, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { agentKind, claimIdentities, openIdentities, requireAgent, sealIdentities } from './agent-identities.ts';
import { AgentEntity, AgentIdentityEntity, type AgentRow, AgentTokenEntity } from './agent.entity.ts';
import { type AgentUpdate, agentUpdateInput, agentUpsertInput, newAgentInput } from './agent-input.ts';
import { believedTokens, guardedAgent } from './agent-mac.ts';
import { insertToken, renewed, tokenIdentity } from './agent-token.ts';
import { type AgentView, viewAgents } from './agent-view.ts';
import { identitiesOf } from './identity-document.ts';

/** An agent, and its token where this write made one: it is told this once and kept nowhere. */
export interface AgentChange extends Change<AgentView> {
  readonly token: string | null;
}

export interface WrittenAgent extends AgentChange, Written<AgentView> {}

/** What an agent is known by that names no identity. */
const defaultIdentities: readonly AgentIdentity[] = [{ kind: 'token', expiresAtMs: undefined, cidrs: [] }];

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

  /** The views of a selection, as a transaction sees them. Whoever asks has authorized that for each of them. */
  async viewsIn(manager: EntityManager, selection: Selection): Promise<AgentView[]> {
    return viewAgents(manager, this.#keys.keyring, await selectRows(manager, AgentEntity, selection));
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, ref: ObjectRef): Promise<AgentView> {
    authorize(principal, 'agent:read');
    return this.#view(this.#dataSource.manager, await requireAgent(this.#dataSource.manager, ref));
  }

  /** Makes an agent, with a token if that is one of its identities. @throws Fault INVALID, NAME_TAKEN, IDENTITY_TAKEN */
  async create(principal: Principal, input: unknown): Promise<WrittenAgent> {
    authorize(principal, 'agent:create');
    const { name, ...given } = parseInput(newAgentInput, input);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await tx.manager.existsBy(AgentEntity, { name })) throw new Fault('NAME_TAKEN', `The agent ${name} exists`);
      return this.#insert(tx, name, given);
    });
    return { ...result, revision };
  }

  /**
   * Brings the agent of a name to what is given, and makes it when it is absent. What is not mentioned stays as it is; null
   * is the default. By `ref` an id may say which is meant. @throws Fault INVALID, NOT_FOUND, IDENTITY_TAKEN, CONFLICT
   */
  async upsert(
    principal: Principal,
    input: unknown,
    { ref, ...options }: WriteOptions & { readonly ref?: ObjectRef | undefined } = {},
  ): Promise<WrittenAgent> {
    authorizeEither(principal, ['agent:update', 'agent:create']);
    const given = parseInput(agentUpsertInput, input);
    const work = (tx: ConfigTransaction) => this.#upsert(tx, principal, given, ref);
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { ...result, revision };
  }

  /** `upsert` within a transaction that does more. */
  async upsertIn(tx: ConfigTransaction, principal: Principal, input: unknown): Promise<AgentChange> {
    authorizeEither(principal, ['agent:update', 'agent:create']);
    return this.#upsert(tx, principal, parseInput(agentUpsertInput, input), undefined);
  }

  /**
   * Gives a new token; those before it are dead from this revision on. One that expires lives as long as the one before was
   * given. @throws Fault NOT_FOUND; INVALID for an agent that is known by other things than a token
   */
  async rotate(
    principal: Principal,
    ref: ObjectRef,
    options: WriteOptions = {},
  ): Promise<WrittenAgent & { readonly token: string }> {
    authorize(principal, 'agent:rotate');
    const { result, revision } = await this.#change.changeConfig(
      principal,
      async (tx) => this.#rotate(tx, await requireAgent(tx.manager, ref)),
      options,
    );
    return { ...result, change: 'UPDATED', revision };
  }

  async #rotate(tx: ConfigTransaction, row: AgentRow): Promise<{ object: AgentView; token: string }> {
    tx.checkRevision('agent', row);
    const identities = openIdentities(this.#keys.keyring, row);
    const before = tokenIdentity(identities);
    if (!before) throw new Fault('INVALID', `The agent ${row.name} has no token among its identities`);
    await believedTokens(tx.manager, this.#keys.rows, row);
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
    const { text: token, token: kept } = await insertToken(tx.manager, this.#keys.tokenPepper, made);
    const mac = this.#keys.rows.mac(guardedAgent(row, [kept]));
    await tx.manager.update(AgentEntity, { id: row.id }, { mac, revision: tx.revision, updatedAt: now });
    tx.changed('agent', row.id, 'upsert');
    tx.audit('agent:rotate', 'agent', row.name);
    return { object: await this.#view(tx.manager, await requireAgent(tx.manager, row.name)), token };
  }

  /**
   * Changes what is given. An agent that gets a token by it is told that; one that loses it is not known by it any more.
   * @throws Fault INVALID, NOT_FOUND, IDENTITY_TAKEN
   */
  async update(principal: Principal, name: string, input: unknown, options: WriteOptions = {}): Promise<WrittenAgent> {
    authorize(principal, 'agent:update');
    const given = parseInput(agentUpdateInput, input);
    const work = async (tx: ConfigTransaction) => this.#update(tx, await requireAgent(tx.manager, name), given);
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { ...result, revision };
  }

  /** Removes an agent and its tokens; one that is absent is fine. Policies that name it keep the name. @throws Fault CONFLICT */
  async remove(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<Removed> {
    authorize(principal, 'agent:delete');
    const work = (tx: ConfigTransaction) => this.removeIn(tx, principal, ref);
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { change: result, revision };
  }

  /** `remove` within a transaction that does more. */
  async removeIn(tx: ConfigTransaction, principal: Principal, ref: ObjectRef): Promise<Removal> {
    authorize(principal, 'agent:delete');
    const row = await findNamed(tx.manager, agentKind, ref);
    if (row === null) return 'UNCHANGED';
    tx.checkRevision('agent', row);
    await removeLiftsOf(tx, row.id);
    await tx.manager.delete(AgentEntity, { id: row.id });
    tx.changed('agent', row.id, 'remove');
    tx.audit('agent:delete', 'agent', row.name);
    return 'DELETED';
  }

  async #upsert(
    tx: ConfigTransaction,
    principal: Principal,
    { name: given, ...update }: AgentUpdate & { readonly name?: string | undefined },
    ref: ObjectRef | undefined,
  ): Promise<AgentChange> {
    const meant = ref === undefined ? null : await requireAgent(tx.manager, ref);
    const name = given ?? meant?.name;
    if (name === undefined) throw invalidField('name', 'is required');
    if (meant !== null && name !== meant.name) throw invalidField('name', 'must be that of the agent, or absent');
    const row = meant ?? (await findNamed(tx.manager, agentKind, name));
    authorize(principal, row === null ? 'agent:create' : 'agent:update');
    return row === null ? this.#insert(tx, name, update) : this.#update(tx, row, update);
  }

  async #insert(tx: ConfigTransaction, name: string, given: AgentUpdate): Promise<AgentChange> {
    tx.checkRevision('agent', null);
    const identities = given.identities ? identitiesOf(given.identities) : defaultIdentities;
    const [now, id] = [new Date(), randomUUID()];
    const sealedIdentities = sealIdentities(this.#keys.keyring, id, identities);
    const { labels, isDisabled } = given;
    const content = { labels: labels ?? {}, isDisabled: isDisabled ?? false, managedBy: null, sealedIdentities };
    const row = { id, name, ...content, mac: null, revision: tx.revision, createdAt: now, updatedAt: now };
    await tx.manager.insert(AgentEntity, row);
    await claimIdentities(tx.manager, this.#keys, id, identities);
    const { text: token, tokens } = await this.#followTokens(tx.manager, { id, tokens: [] }, [], identities, now);
    const mac = this.#keys.rows.mac(guardedAgent(row, tokens));
    await tx.manager.update(AgentEntity, { id }, { mac });
    tx.changed('agent', id, 'upsert');
    const made = { labels: row.labels, isDisabled: row.isDisabled, identities };
    tx.audit('agent:create', 'agent', name, { ...beforeAndAfter(undefined, this.#recorded(id, made)) });
    return { object: await this.#view(tx.manager, row), token, change: 'CREATED' };
  }

  async #update(tx: ConfigTransaction, row: AgentRow, given: AgentUpdate): Promise<AgentChange> {
    const identities = openIdentities(this.#keys.keyring, row);
    const before = { labels: row.labels, isDisabled: row.isDisabled, identities };
    const after = changed(before, given);
    const fields = (['labels', 'isDisabled', 'identities'] as const).filter(
      (field) => !isSame(before[field], after[field]),
    );
    if (fields.length === 0) return { object: await this.#view(tx.manager, row), token: null, change: 'UNCHANGED' };
    tx.checkRevision('agent', row);
    const held = await believedTokens(tx.manager, this.#keys.rows, row);
    const updatedAt = new Date();
    if (fields.includes('identities')) await this.#writeIdentities(tx, row, after.identities);
    const { id } = row;
    const was = { id, tokens: held };
    const { text: token, tokens } = await this.#followTokens(tx.manager, was, identities, after.identities, updatedAt);
    const { labels, isDisabled } = after;
    const mac = this.#keys.rows.mac(guardedAgent({ ...row, labels, isDisabled }, tokens));
    await tx.manager.update(AgentEntity, { id }, { labels, isDisabled, mac, revision: tx.revision, updatedAt });
    tx.changed('agent', row.id, 'upsert');
    const shown = beforeAndAfter(this.#recorded(id, before), this.#recorded(id, after));
    tx.audit('agent:update', 'agent', row.name, { fields, ...shown });
    return { object: await this.#view(tx.manager, await requireAgent(tx.manager, row.name)), token, change: 'UPDATED' };
  }

  /** What admin events, which lie in the clear, tell of an agent: of its identities the kinds, each with a fingerprint. */
  #recorded(id: string, { identities, ...others }: AgentContent): object {
    const printOf = (identity: AgentIdentity) =>
      partFingerprint(this.#keys.fingerprintKey, id, JSON.stringify(identity));
    return { ...others, identities: identities.map((identity) => `${identity.kind} ${printOf(identity)}`) };
  }

  async #writeIdentities(tx: ConfigTransaction, row: AgentRow, identities: readonly AgentIdentity[]): Promise<void> {
    await tx.manager.delete(AgentIdentityEntity, { agentId: row.id });
    await claimIdentities(tx.manager, this.#keys, row.id, identities);
    const sealedIdentities = sealIdentities(this.#keys.keyring, row.id, identities);
    await tx.manager.update(AgentEntity, { id: row.id }, { sealedIdentities });
  }

  /** Brings the tokens to what the identities say; gives those, and the text of the one that had to be made. */
  async #followTokens(
    manager: EntityManager,
    { id: agentId, tokens }: { readonly id: string; readonly tokens: readonly AgentToken[] },
    before: readonly AgentIdentity[],
    after: readonly AgentIdentity[],
    now: Date,
  ): Promise<{ readonly text: string | null; readonly tokens: readonly AgentToken[] }> {
    const [had, has] = [tokenIdentity(before), tokenIdentity(after)];
    if (had && !has) await manager.delete(AgentTokenEntity, { agentId });
    if (!has) return { text: null, tokens: had ? [] : tokens };
    const { expiresAtMs } = has;
    if (!had) {
      const made = await insertToken(manager, this.#keys.tokenPepper, { agentId, createdAt: now, expiresAtMs });
      return { text: made.text, tokens: [...tokens, made.token] };
    }
    if (had.expiresAtMs === expiresAtMs) return { text: null, tokens };
    const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs);
    await manager.update(AgentTokenEntity, { agentId }, { expiresAt });
    return { text: null, tokens: tokens.map(({ hash }) => ({ hash, expiresAtMs })) };
  }

  async #view(manager: EntityManager, row: AgentRow): Promise<AgentView> {
    const [view] = await viewAgents(manager, this.#keys.keyring, [row]);
    if (view === undefined) throw new Error('A view was not made');
    return view;
  }
}

interface AgentContent {
  readonly labels: Record<string, string>;
  readonly isDisabled: boolean;
  readonly identities: readonly AgentIdentity[];
}

/** What an agent is after a change: absent leaves alone, null is the default. */
function changed(before: AgentContent, { labels, isDisabled, identities }: AgentUpdate): AgentContent {
  return {
    labels: labels === undefined ? before.labels : (labels ?? {}),
    isDisabled: isDisabled === undefined ? before.isDisabled : (isDisabled ?? false),
    identities:
      identities === undefined ? before.identities : identities === null ? defaultIdentities : identitiesOf(identities),
  };
}

/** As they are kept: what is undefined is not there. */
function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
}
