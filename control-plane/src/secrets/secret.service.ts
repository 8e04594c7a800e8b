import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Binding } from '@onecli/shared/domain/binding';
import { environmentOf, isSecretName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { fingerprint } from '@onecli/shared/vault/keyed-hash';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource, EntityManager } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { Removed, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity, type SecretRow, SecretVersionEntity } from './secret.entity.ts';
import { aliasAfter, newAlias } from './secret-alias.ts';
import { newSecretInput, secretUpdateInput } from './secret-input.ts';
import { type SecretView, viewSecrets } from './secret-view.ts';

const unbound: Binding = { hosts: [], surfaces: [] };

/** Secrets: their values go in and never come out. */
export class SecretService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #keys: InstanceKeys;

  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    this.#dataSource = dataSource;
    this.#change = change;
    this.#keys = keys;
  }

  /** One page, in the order of names. */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<SecretView>> {
    authorize(principal, 'secret:read');
    const page = await pageByName(this.#dataSource.manager, SecretEntity, request);
    return { items: await viewSecrets(this.#dataSource.manager, page.items), next: page.next };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, name: string): Promise<SecretView> {
    authorize(principal, 'secret:read', environmentOf(name));
    return viewOne(this.#dataSource.manager, await requireSecret(this.#dataSource.manager, name));
  }

  /** Makes a secret with its first version. @throws Fault INVALID, NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<Written<SecretView>> {
    const { name, value, description, binding, alias } = parseInput(newSecretInput, input);
    authorize(principal, 'secret:create', environmentOf(name));
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await tx.manager.existsBy(SecretEntity, { name })) throw new Fault('NAME_TAKEN', `The secret ${name} exists`);
      const now = new Date();
      const row: SecretRow = {
        id: randomUUID(),
        name,
        description,
        alias: alias && newAlias(alias.prefix),
        binding: binding ?? unbound,
        currentVersion: 1,
        isDisabled: false,
        managedBy: null,
        createdAt: now,
        updatedAt: now,
      };
      await tx.manager.insert(SecretEntity, row);
      await this.#insertVersion(tx.manager, row, value, now);
      tx.changed('secret', row.id, 'upsert');
      tx.audit('secret:create', 'secret', name, { version: 1, isBound: binding !== null });
      return viewOne(tx.manager, row);
    });
    return { object: result, change: 'CREATED', revision };
  }

  /**
   * Changes what is given: a value makes a new version, which becomes the current one; a binding is sealed into every
   * version that is kept. @throws Fault INVALID, NOT_FOUND, SECRET_UNAVAILABLE when a kept version does not open
   */
  async put(principal: Principal, name: string, input: unknown): Promise<Written<SecretView>> {
    const update = parseInput(secretUpdateInput, input);
    const environment = environmentOf(name);
    if (update.value !== undefined) authorize(principal, 'secret:rotate', environment);
    if (update.value === undefined || Object.keys(update).length > 1)
      authorize(principal, 'secret:update', environment);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const before = await requireSecret(tx.manager, name);
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
      if (fields.length === 0) return { view: await viewOne(tx.manager, before), change: 'UNCHANGED' as const };
      after.updatedAt = now;
      if (fields.includes('binding')) await this.#reseal(tx.manager, before, after.binding);
      if (update.value !== undefined) await this.#insertVersion(tx.manager, after, update.value, now);
      const { id, ...columns } = after;
      await tx.manager.update(SecretEntity, { id }, columns);
      tx.changed('secret', id, 'upsert');
      const action = update.value === undefined ? 'secret:update' : 'secret:rotate';
      tx.audit(action, 'secret', name, { fields, version: after.currentVersion });
      return { view: await viewOne(tx.manager, after), change: 'UPDATED' as const };
    });
    return { object: result.view, change: result.change, revision };
  }

  /** Removes a secret with all its versions; one that is absent is fine. Policies that name it grant nothing by that name. */
  async remove(principal: Principal, name: string): Promise<Removed> {
    authorize(principal, 'secret:delete', environmentOf(name));
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = isSecretName(name) ? await tx.manager.findOneBy(SecretEntity, { name }) : null;
      if (row === null) return 'UNCHANGED';
      await tx.manager.delete(SecretEntity, { id: row.id });
      tx.changed('secret', row.id, 'remove');
      tx.audit('secret:delete', 'secret', name);
      return 'DELETED';
    });
    return { change: result, revision };
  }

  async #insertVersion(manager: EntityManager, row: SecretRow, value: string, now: Date): Promise<void> {
    const { keyring, fingerprintKey } = this.#keys;
    const plaintext = Buffer.from(value, 'utf8');
    const sealed = seal(keyring, secretVersionContext(row.id, row.currentVersion, row.binding), plaintext);
    const print = fingerprint(fingerprintKey, plaintext);
    plaintext.fill(0);
    await manager.insert(SecretVersionEntity, {
      secretId: row.id,
      version: row.currentVersion,
      sealed,
      fingerprint: print,
      createdAt: now,
    });
  }

  /** Each version is opened under the binding that it has: one that was tampered with ends the change here. */
  async #reseal(manager: EntityManager, secret: SecretRow, binding: Binding): Promise<void> {
    const versions = await manager.findBy(SecretVersionEntity, { secretId: secret.id });
    for (const { version, sealed } of versions) {
      const plaintext = this.#openVersion(secret, version, sealed);
      const resealed = seal(this.#keys.keyring, secretVersionContext(secret.id, version, binding), plaintext);
      plaintext.fill(0);
      await manager.update(SecretVersionEntity, { secretId: secret.id, version }, { sealed: resealed });
    }
  }

  #openVersion(secret: SecretRow, version: number, sealed: Buffer): Buffer {
    try {
      return open(this.#keys.keyring, secretVersionContext(secret.id, version, secret.binding), sealed);
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      throw new Fault('SECRET_UNAVAILABLE', `Version ${version} of ${secret.name} does not open`, { cause });
    }
  }
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
