import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Binding } from '@onecli/shared/domain/binding';
import { environmentOf, isSecretName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import type { DataSource, EntityManager } from 'typeorm';
import type { z } from 'zod';
import { authorize, authorizeList } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import { type Selection, selectRows } from '../configuration/select-rows.ts';
import type { Removed, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity, type SecretRow } from './secret.entity.ts';
import { aliasAfter, newAlias } from './secret-alias.ts';
import { newSecretInput, secretUpdateInput, secretUpsertInput } from './secret-input.ts';
import { SecretVault } from './secret-vault.ts';
import { type SecretView, viewOf, viewSecrets } from './secret-view.ts';

type NewSecret = z.output<typeof newSecretInput>;
type SecretUpdate = z.output<typeof secretUpdateInput>;

/** What a write did to a secret, inside a transaction that may do more. */
export type SecretChange = Omit<Written<SecretView>, 'revision'>;

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
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<SecretView>> {
    const reach = authorizeList(principal, 'secret:read');
    const asked = reach === '*' ? request : { ...request, environments: reach };
    const page = await pageByName(this.#dataSource.manager, SecretEntity, asked);
    return { items: await viewSecrets(this.#dataSource.manager, page.items), next: page.next };
  }

  /** The views of a selection, as a transaction sees them. Whoever asks has authorized that for each of them. */
  async viewsIn(manager: EntityManager, selection: Selection): Promise<SecretView[]> {
    return viewSecrets(manager, await selectRows(manager, SecretEntity, selection));
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, name: string): Promise<SecretView> {
    authorize(principal, 'secret:read', environmentOf(name));
    return viewOne(this.#dataSource.manager, await requireSecret(this.#dataSource.manager, name));
  }

  /** Makes a secret with its first version. @throws Fault INVALID, NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<Written<SecretView>> {
    const secret = parseInput(newSecretInput, input);
    authorize(principal, 'secret:create', environmentOf(secret.name));
    return this.#changeOne(principal, async (tx) => {
      if (await tx.manager.existsBy(SecretEntity, { name: secret.name }))
        throw new Fault('NAME_TAKEN', `The secret ${secret.name} exists`);
      return this.#insert(tx, secret);
    });
  }

  /**
   * Changes what is given: a value makes a new version, which becomes the current one; a binding is sealed into every
   * version that is kept. @throws Fault INVALID, NOT_FOUND, SECRET_UNAVAILABLE when a kept version does not open
   */
  async put(principal: Principal, name: string, input: unknown): Promise<Written<SecretView>> {
    const update = parseInput(secretUpdateInput, input);
    authorizeUpdate(principal, name, update);
    return this.#changeOne(principal, async (tx) => this.#update(tx, await requireSecret(tx.manager, name), update));
  }

  /**
   * Brings the secret of a name to what is given, and makes it when it is absent: then a value is needed. What is absent
   * stays as it is, null sets it back to its default, and the value that is current already makes no new version.
   * @throws Fault INVALID, SECRET_UNAVAILABLE
   */
  async upsert(principal: Principal, input: unknown): Promise<Written<SecretView>> {
    return this.#changeOne(principal, (tx) => this.upsertIn(tx, principal, input));
  }

  /** `upsert` within a transaction that does more. */
  async upsertIn(tx: ConfigTransaction, principal: Principal, input: unknown): Promise<SecretChange> {
    const { name, ...fields } = parseInput(secretUpsertInput, input);
    const given = withoutAbsent(fields);
    const before = await tx.manager.findOneBy(SecretEntity, { name });
    if (before === null) {
      authorize(principal, 'secret:create', environmentOf(name));
      const { value } = given;
      if (value === undefined) throw invalidField('value', 'is required: there is no such secret yet');
      return this.#insert(tx, { ...parseInput(newSecretInput, { name, value }), ...given, value });
    }
    // Before the value is compared: who may not set one is not told whether it is the current one.
    authorizeUpdate(principal, name, given);
    const { value, ...others } = given;
    const isNewValue = value !== undefined && !(await this.#vault.isCurrent(tx.manager, before, value));
    return this.#update(tx, before, isNewValue ? { ...others, value } : others);
  }

  /** Removes a secret with all its versions; one that is absent is fine. Policies that name it grant nothing by that name. */
  async remove(principal: Principal, name: string): Promise<Removed> {
    const { result, revision } = await this.#change.changeConfig(principal, (tx) => this.removeIn(tx, principal, name));
    return { change: result, revision };
  }

  /** `remove` within a transaction that does more. */
  async removeIn(tx: ConfigTransaction, principal: Principal, name: string): Promise<'DELETED' | 'UNCHANGED'> {
    authorize(principal, 'secret:delete', environmentOf(name));
    const row = isSecretName(name) ? await tx.manager.findOneBy(SecretEntity, { name }) : null;
    if (row === null) return 'UNCHANGED';
    await tx.manager.delete(SecretEntity, { id: row.id });
    tx.changed('secret', row.id, 'remove');
    tx.audit('secret:delete', 'secret', name);
    return 'DELETED';
  }

  async #changeOne(
    principal: Principal,
    work: (tx: ConfigTransaction) => Promise<SecretChange>,
  ): Promise<Written<SecretView>> {
    const { result, revision } = await this.#change.changeConfig(principal, work);
    return { ...result, revision };
  }

  async #insert(
    tx: ConfigTransaction,
    secret: NewSecret & { isDisabled?: boolean | undefined },
  ): Promise<SecretChange> {
    const { name, value, description, binding, alias, isDisabled = false } = secret;
    tx.checkRevision('secret', null);
    const now = new Date();
    const row: SecretRow = {
      id: randomUUID(),
      name,
      description,
      alias: alias && newAlias(alias.prefix),
      binding: binding ?? unbound,
      currentVersion: 1,
      isDisabled,
      managedBy: null,
      revision: tx.revision,
      createdAt: now,
      updatedAt: now,
    };
    await tx.manager.insert(SecretEntity, row);
    const version = await this.#vault.insertVersion(tx.manager, row, value, now);
    tx.changed('secret', row.id, 'upsert');
    tx.audit('secret:create', 'secret', name, { version: 1, isBound: binding !== null });
    return { object: viewOf(row, [version]), change: 'CREATED' };
  }

  async #update(tx: ConfigTransaction, before: SecretRow, update: SecretUpdate): Promise<SecretChange> {
    const now = new Date();
    const after: SecretRow = {
      ...before,
      description: update.description ?? before.description,
      alias: aliasAfter(before.alias, update.alias),
      binding: update.binding === undefined ? before.binding : (update.binding ?? unbound),
      isDisabled: update.isDisabled ?? before.isDisabled,
      currentVersion: before.currentVersion + (update.value === undefined ? 0 : 1),
    };
    const fields = changedFields(before, after);
    if (fields.length === 0) return { object: await viewOne(tx.manager, before), change: 'UNCHANGED' };
    tx.checkRevision('secret', before);
    after.updatedAt = now;
    after.revision = tx.revision;
    if (fields.includes('binding')) await this.#vault.reseal(tx.manager, before, after.binding);
    if (update.value !== undefined) await this.#vault.insertVersion(tx.manager, after, update.value, now);
    const { id, ...columns } = after;
    await tx.manager.update(SecretEntity, { id }, columns);
    tx.changed('secret', id, 'upsert');
    const action = update.value === undefined ? 'secret:update' : 'secret:rotate';
    tx.audit(action, 'secret', before.name, { fields, version: after.currentVersion });
    return { object: await viewOne(tx.manager, after), change: 'UPDATED' };
  }
}

/** A new value is a rotation; everything else, and a change of nothing, an update. */
function authorizeUpdate(principal: Principal, name: string, update: SecretUpdate): void {
  const environment = environmentOf(name);
  if (update.value !== undefined) authorize(principal, 'secret:rotate', environment);
  if (update.value === undefined || Object.keys(update).length > 1) authorize(principal, 'secret:update', environment);
}

function withoutAbsent<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as never;
}

async function requireSecret(manager: EntityManager, name: string): Promise<SecretRow> {
  const row = isSecretName(name) ? await manager.findOneBy(SecretEntity, { name }) : null;
  if (row === null) throw new Fault('NOT_FOUND', 'There is no secret of that name');
  return row;
}

async function viewOne(manager: EntityManager, row: SecretRow): Promise<SecretView> {
  const [view] = await viewSecrets(manager, [row]);
  if (view === undefined) throw new Error('A view was not made');
  return view;
}

/** Names of the fields that differ; `value` for a new version. */
function changedFields(before: SecretRow, after: SecretRow): string[] {
  const fields = (['description', 'alias', 'binding', 'isDisabled'] as const).filter(
    (field) => !isDeepStrictEqual(before[field], after[field]),
  );
  return before.currentVersion === after.currentVersion ? fields : ['value', ...fields];
}
