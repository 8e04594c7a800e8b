import { randomUUID } from 'node:crypto';
import type { Binding } from '@onecli/shared/domain/binding';
import { environmentOf } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import type { DataSource, EntityManager } from 'typeorm';
import type { z } from 'zod';
import { authorize, authorizeEither, authorizeList } from '../auth/authorize.ts';
import { beforeAndAfter, changedFields } from '../auth/events/recorded-change.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import { type Selection, selectRows } from '../configuration/select-rows.ts';
import type { ObjectRef } from '../configuration/object-ref.ts';
import type { Change, Removal, Removed, WriteOptions, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { generateValue } from './generate-value.ts';
import { keysLeftBy } from './keys-of-runs.ts';
import { SecretEntity, type SecretRow } from './secret.entity.ts';
import { aliasAfter, newAlias } from './secret-alias.ts';
import { newSecretInput, secretUpdateInput, secretUpsertInput } from './secret-input.ts';
import { SecretVault } from './secret-vault.ts';
import { destroyOld, nextVersion } from './secret-versions.ts';
import { authorizeAhead, findSecret, findSecretFor, requireSecretFor } from './require-secret.ts';
import { actionsOf, authorizeUpdate } from './update-actions.ts';
import { type SecretView, viewOf, viewSecret, viewSecrets } from './secret-view.ts';

type NewSecret = z.output<typeof newSecretInput>;
type SecretUpdate = z.output<typeof secretUpdateInput>;

/** With `expiringWithinDays`: those that expire by then, or have expired. */
export interface SecretPageRequest extends PageRequest {
  readonly expiringWithinDays?: number | undefined;
}

type SecretChange = Change<SecretView>;

/** Which of them an upsert is, is known when it is known whether the secret is there. */
const upsertActions = ['secret:update', 'secret:rotate', 'secret:create'] as const;
const unbound: Binding = { hosts: [], surfaces: [] };

/** Secrets: their values go in and never come out. */
export class SecretService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #vault: SecretVault;

  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    this.#dataSource = dataSource;
    this.#change = change;
    this.#vault = new SecretVault(keys);
  }

  /** One page, in the order of names. */
  async list(principal: Principal, request: SecretPageRequest = {}): Promise<Page<SecretView>> {
    const reach = authorizeList(principal, 'secret:read');
    const asked = reach === '*' ? request : { ...request, environments: reach };
    const page = await pageByName(this.#dataSource.manager, SecretEntity, asked, expiringIn(request));
    return { items: await viewSecrets(this.#dataSource.manager, page.items), next: page.next };
  }

  /** The views of a selection, as a transaction sees them. Whoever asks has authorized that for each of them. */
  async viewsIn(manager: EntityManager, selection: Selection): Promise<SecretView[]> {
    return viewSecrets(manager, await selectRows(manager, SecretEntity, selection));
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, ref: ObjectRef): Promise<SecretView> {
    const { manager } = this.#dataSource;
    return viewSecret(manager, await requireSecretFor(manager, principal, ['secret:read'], ref));
  }

  /** Makes a secret with its first version. @throws Fault INVALID, NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<Written<SecretView>> {
    const secret = parseInput(newSecretInput, input);
    authorize(principal, 'secret:create', environmentOf(secret.name));
    return this.#changeOne(principal, {}, async (tx) => {
      if (await tx.manager.existsBy(SecretEntity, { name: secret.name }))
        throw new Fault('NAME_TAKEN', `The secret ${secret.name} exists`);
      return this.#insert(tx, secret);
    });
  }

  /**
   * Changes what is given: a value makes a new version, which becomes the current one; a binding is sealed into every
   * version that is kept. @throws Fault INVALID, NOT_FOUND, SECRET_UNAVAILABLE when a kept version does not open
   */
  async put(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<SecretView>> {
    const update = parseInput(secretUpdateInput, input);
    const actions = actionsOf(update);
    for (const action of actions) authorizeAhead(principal, [action], ref);
    return this.#changeOne(principal, options, async (tx) => {
      const before = await requireSecretFor(tx.manager, principal, actions, ref);
      authorizeUpdate(principal, before.name, update);
      return this.#update(tx, before, update);
    });
  }

  /**
   * Brings the secret of a name to what is given, and makes it when it is absent: then a value is needed. What is absent
   * stays as it is, null sets it back to its default, and the value that is current already makes no new version. By `ref` an
   * id may say which is meant. @throws Fault INVALID, NOT_FOUND, CONFLICT, SECRET_UNAVAILABLE
   */
  async upsert(
    principal: Principal,
    input: unknown,
    { ref, ...options }: WriteOptions & { readonly ref?: ObjectRef | undefined } = {},
  ): Promise<Written<SecretView>> {
    return this.#changeOne(principal, options, (tx) => this.#upsert(tx, principal, input, ref));
  }

  /** `upsert` within a transaction that does more. */
  async upsertIn(tx: ConfigTransaction, principal: Principal, input: unknown): Promise<SecretChange> {
    return this.#upsert(tx, principal, input, undefined);
  }

  async #upsert(
    tx: ConfigTransaction,
    principal: Principal,
    input: unknown,
    ref: ObjectRef | undefined,
  ): Promise<SecretChange> {
    const { name: named, ...fields } = parseInput(secretUpsertInput, input);
    const given = withoutAbsent(fields);
    const meant = ref === undefined ? null : await requireSecretFor(tx.manager, principal, upsertActions, ref);
    const name = named ?? meant?.name;
    if (name === undefined) throw invalidField('name', 'is required');
    if (meant !== null && name !== meant.name) throw invalidField('name', 'must be that of the secret, or absent');
    // Ahead of the look: who may do neither there is not told whether it is there.
    authorizeEither(principal, upsertActions, environmentOf(name));
    const before = meant ?? (await findSecret(tx.manager, name));
    if (before === null) {
      authorize(principal, 'secret:create', environmentOf(name));
      const { value } = given;
      if (value === undefined && given.generate === undefined)
        throw invalidField('value', 'is required, or `generate`: there is no such secret yet');
      const source = value === undefined ? { generate: given.generate } : { value };
      return this.#insert(tx, { ...parseInput(newSecretInput, { name, ...source }), ...given });
    }
    // Before the value is compared: who may not set one is not told whether it is the current one.
    const { generate: _, ...update } = given;
    authorizeUpdate(principal, name, update);
    const { value, ...others } = update;
    const isNewValue = value !== undefined && !(await this.#vault.isCurrent(tx.manager, before, value));
    return this.#update(tx, before, isNewValue ? { ...others, value } : others);
  }

  /**
   * Removes a secret with all its versions; one that is absent is fine. Policies that name it grant nothing by that name.
   * @throws Fault CONFLICT also while a rotation has a key at the provider that is in use nowhere yet
   */
  async remove(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<Removed> {
    authorizeAhead(principal, ['secret:delete'], ref);
    const work = (tx: ConfigTransaction) => this.removeIn(tx, principal, ref);
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { change: result, revision };
  }

  /** `remove` within a transaction that does more. */
  async removeIn(tx: ConfigTransaction, principal: Principal, ref: ObjectRef): Promise<Removal> {
    const row = await findSecretFor(tx.manager, principal, ['secret:delete'], ref);
    if (row === null) return 'UNCHANGED';
    tx.checkRevision('secret', row);
    const left = await keysLeftBy(tx.manager, row);
    await tx.manager.delete(SecretEntity, { id: row.id });
    tx.changed('secret', row.id, 'remove');
    tx.audit('secret:delete', 'secret', row.name, left);
    return 'DELETED';
  }

  async #changeOne(
    principal: Principal,
    options: WriteOptions,
    work: (tx: ConfigTransaction) => Promise<SecretChange>,
  ): Promise<Written<SecretView>> {
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { ...result, revision };
  }

  async #insert(
    tx: ConfigTransaction,
    secret: NewSecret & { isDisabled?: boolean | undefined },
  ): Promise<SecretChange> {
    const { name, description, binding, alias, isDisabled = false, expiresAt, leaseSeconds, maxVersions } = secret;
    tx.checkRevision('secret', null);
    const now = new Date();
    const row: SecretRow = {
      id: randomUUID(),
      name,
      description,
      alias: alias && newAlias(alias.prefix),
      previousAlias: null,
      previousAliasUntil: null,
      binding: binding ?? unbound,
      currentVersion: 1,
      isDisabled,
      expiresAt,
      expiryWarnedFor: null,
      leaseSeconds,
      maxVersions,
      managedBy: null,
      revision: tx.revision,
      createdAt: now,
      updatedAt: now,
    };
    await tx.manager.insert(SecretEntity, row);
    const value = valueIn(secret);
    if (value === undefined) throw new Error('A new secret has a value');
    const version = await this.#vault.insertVersion(tx.manager, row, 1, { value, now });
    tx.changed('secret', row.id, 'upsert');
    tx.audit('secret:create', 'secret', name, { version: 1, ...beforeAndAfter(undefined, recorded(row)) });
    return { object: viewOf(row, [version], null), change: 'CREATED' };
  }

  async #update(tx: ConfigTransaction, before: SecretRow, update: SecretUpdate): Promise<SecretChange> {
    const now = new Date();
    const value = valueIn(update);
    const after = rowAfter(before, update);
    if (value !== undefined) after.currentVersion = await nextVersion(tx.manager, before.id);
    const fields = fieldsOfChange(before, after);
    if (fields.length === 0) return { object: await viewSecret(tx.manager, before), change: 'UNCHANGED' };
    tx.checkRevision('secret', before);
    after.updatedAt = now;
    after.revision = tx.revision;
    if (fields.includes('binding')) await this.#vault.reseal(tx.manager, before, after.binding);
    if (value !== undefined) await this.#vault.insertVersion(tx.manager, after, after.currentVersion, { value, now });
    const { id, ...columns } = after;
    await tx.manager.update(SecretEntity, { id }, columns);
    const destroyed = await destroyOld(tx.manager, after);
    tx.changed('secret', id, 'upsert');
    const action = value === undefined ? 'secret:update' : 'secret:rotate';
    const shown = beforeAndAfter(recorded(before), recorded(after));
    const detail = { fields, version: after.currentVersion, ...shown, ...(destroyed.length > 0 && { destroyed }) };
    tx.audit(action, 'secret', before.name, detail);
    return { object: await viewSecret(tx.manager, after), change: 'UPDATED' };
  }
}

function expiringIn({ expiringWithinDays: days }: SecretPageRequest) {
  if (days === undefined) return undefined;
  return { where: 'row.expiresAt <= now() + make_interval(days => :days)', parameters: { days } };
}

/** The row as an update leaves it, but for its version. An alias that is replaced is dead at once. */
function rowAfter(before: SecretRow, update: SecretUpdate): SecretRow {
  const alias = aliasAfter(before.alias, update.alias);
  return {
    ...before,
    description: update.description ?? before.description,
    alias,
    ...(alias !== before.alias && { previousAlias: null, previousAliasUntil: null }),
    binding: update.binding === undefined ? before.binding : (update.binding ?? unbound),
    isDisabled: update.isDisabled ?? before.isDisabled,
    expiresAt: update.expiresAt === undefined ? before.expiresAt : update.expiresAt,
    leaseSeconds: update.leaseSeconds === undefined ? before.leaseSeconds : update.leaseSeconds,
    maxVersions: update.maxVersions === undefined ? before.maxVersions : update.maxVersions,
  };
}

/** The value that is given, or one that is made now. */
function valueIn({ value, generate }: Pick<SecretUpdate, 'value' | 'generate'>): string | undefined {
  return value ?? (generate && generateValue(generate));
}

function withoutAbsent<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as never;
}

/** Names of the fields that differ; `value` for a new version. */
function fieldsOfChange(before: SecretRow, after: SecretRow): string[] {
  const fields = changedFields(contentOf(before), contentOf(after));
  return before.currentVersion === after.currentVersion ? fields : ['value', ...fields];
}

function contentOf(row: SecretRow) {
  const { description, alias } = row;
  return { description, alias, ...recorded(row) };
}

/** What admin events tell of a secret. A description may be anything, and an alias is what agents hold. */
function recorded({ binding, isDisabled, expiresAt, leaseSeconds, maxVersions }: SecretRow) {
  return { binding, isDisabled, expiresAt, leaseSeconds, maxVersions };
}
