import { Fault } from '@onecli/shared/fault';
import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { DataSource } from 'typeorm';
import type { Action } from '../auth/actions.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import type { ObjectRef } from '../configuration/object-ref.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import type { WriteOptions, Written } from '../configuration/written.ts';
import { newAlias } from './secret-alias.ts';
import { aliasRotationInput, versionInput } from './secret-input.ts';
import { authorizeAhead, requireSecretFor } from './require-secret.ts';
import { DestroyedVersionEntity, SecretEntity, type SecretRow, SecretVersionEntity } from './secret.entity.ts';
import { destroyVersion, requireVersion } from './secret-versions.ts';
import { type SecretView, viewSecret } from './secret-view.ts';

export const versionStates = ['CURRENT', 'AVAILABLE', 'PENDING', 'DESTROYED'] as const;

/** A version of a secret as it is shown. */
export interface SecretVersionView {
  readonly version: number;
  /** AVAILABLE: not current, may be pinned and rolled back to. PENDING: a rotation is trying it out. */
  readonly state: (typeof versionStates)[number];
  readonly fingerprint: string;
  readonly createdAt: Date;
  readonly destroyedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** What becomes of the versions and the alias of a secret after it was made. */
export class SecretVersionService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;

  constructor(dataSource: DataSource, change: ChangeConfig) {
    this.#dataSource = dataSource;
    this.#change = change;
  }

  /** All versions, the newest first; of destroyed ones what is left. @throws Fault NOT_FOUND */
  async list(principal: Principal, ref: ObjectRef): Promise<SecretVersionView[]> {
    const { manager } = this.#dataSource;
    const secret = await requireSecretFor(manager, principal, ['secret:read'], ref);
    const versions = await manager.find(SecretVersionEntity, {
      select: { secretId: true, version: true, fingerprint: true, createdAt: true, isPending: true },
      where: { secretId: secret.id },
    });
    const destroyed = await manager.findBy(DestroyedVersionEntity, { secretId: secret.id });
    const uses = await manager.query<{ version: number; last_used_at: Date }[]>(
      'SELECT version, last_used_at FROM secret_use WHERE secret_id = $1',
      [secret.id],
    );
    const lastUses = new Map(uses.map((use) => [use.version, use.last_used_at]));
    const views = [
      ...versions.map((row) => ({ ...row, state: stateOf(secret, row), destroyedAt: null })),
      ...destroyed.map((row) => ({ ...row, state: 'DESTROYED' as const })),
    ];
    return views
      .sort((one, other) => other.version - one.version)
      .map(({ version, state, fingerprint, createdAt, destroyedAt }) => {
        return { version, state, fingerprint, createdAt, destroyedAt, lastUsedAt: lastUses.get(version) ?? null };
      });
  }

  /** Makes an older version the current one. @throws Fault INVALID, NOT_FOUND, CONFLICT for one that is being tried out or ended */
  async rollBack(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<SecretView>> {
    authorizeAhead(principal, ['secret:rotate'], ref);
    const version = parseInput(versionInput, input);
    return this.#changeSecret(principal, 'secret:rotate', ref, options, async (tx, secret) => {
      const { name } = secret;
      if ((await requireVersion(tx.manager, secret, version)).isPending)
        throw new Fault('CONFLICT', `Version ${version} of ${name} is being tried out by a rotation`);
      if (version === secret.currentVersion) return secret;
      if (await isBeingEnded(tx, secret, version))
        throw new Fault('CONFLICT', `A rotation of ${name} is ending the key of version ${version}`);
      tx.audit('secret:rollback', 'secret', name, { from: secret.currentVersion, version });
      return { ...secret, currentVersion: version };
    });
  }

  /** Destroys a version for good: its ciphertext and data key are gone. One that is destroyed already is fine. @throws Fault INVALID, NOT_FOUND, CONFLICT */
  async destroy(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<SecretView>> {
    authorizeAhead(principal, ['secret:delete'], ref);
    const version = parseInput(versionInput, input);
    return this.#changeSecret(principal, 'secret:delete', ref, options, async (tx, secret) => {
      const { id: secretId, name } = secret;
      if (await tx.manager.existsBy(DestroyedVersionEntity, { secretId, version })) return secret;
      if (version === secret.currentVersion)
        throw new Fault('CONFLICT', `Version ${version} of ${name} is the current one: give it a new value first`);
      if ((await requireVersion(tx.manager, secret, version)).isPending)
        throw new Fault('CONFLICT', `Version ${version} of ${name} is being tried out by a rotation`);
      const [needed] = await tx.manager.query<unknown[]>(
        'SELECT 1 FROM rotation_run WHERE secret_id = $1 AND old_version = $2 AND finished_at IS NULL',
        [secretId, version],
      );
      if (needed !== undefined)
        throw new Fault('CONFLICT', `A rotation of ${name} may still go back to version ${version}`);
      await destroyVersion(tx.manager, secret, version);
      tx.audit('secret:destroy', 'secret', name, { version });
      return { ...secret };
    });
  }

  /**
   * Gives a secret another alias. The one before dies at once, or works on for `graceSeconds`; the one before that is dead in
   * any case. @throws Fault INVALID, NOT_FOUND
   */
  async rotateAlias(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<SecretView>> {
    authorizeAhead(principal, ['secret:update'], ref);
    const { prefix, graceSeconds } = parseInput(aliasRotationInput, input);
    return this.#changeSecret(principal, 'secret:update', ref, options, (tx, secret) => {
      const { alias: before } = secret;
      const wanted = prefix ?? (before === null ? undefined : splitAlias(before).prefix);
      if (wanted === undefined) throw invalidField('prefix', 'is required: the secret has no alias yet');
      const keepsBefore = before !== null && graceSeconds > 0;
      tx.audit('secret:rotate-alias', 'secret', secret.name, { graceSeconds });
      return Promise.resolve({
        ...secret,
        alias: newAlias(wanted),
        previousAlias: keepsBefore ? before : null,
        previousAliasUntil: keepsBefore ? new Date(Date.now() + graceSeconds * 1000) : null,
      });
    });
  }

  /** Writes the row that `work` makes of a secret's; the same row means that nothing changes. */
  async #changeSecret(
    principal: Principal,
    action: Action,
    ref: ObjectRef,
    options: WriteOptions,
    work: (tx: ConfigTransaction, secret: SecretRow) => Promise<SecretRow>,
  ): Promise<Written<SecretView>> {
    const change = async (tx: ConfigTransaction) => {
      const before = await requireSecretFor(tx.manager, principal, [action], ref);
      const after = await work(tx, before);
      if (after === before) return { object: await viewSecret(tx.manager, before), change: 'UNCHANGED' as const };
      after.updatedAt = new Date();
      tx.checkRevision('secret', before);
      after.revision = tx.revision;
      const { id, ...columns } = after;
      await tx.manager.update(SecretEntity, { id }, columns);
      tx.changed('secret', id, 'upsert');
      return { object: await viewSecret(tx.manager, after), change: 'UPDATED' as const };
    };
    const { result, revision } = await this.#change.changeConfig(principal, change, options);
    return { ...result, revision };
  }
}

/** Whether a rotation may have asked the provider to end the key of a version: it would be current, and dead a moment later. */
async function isBeingEnded({ manager }: ConfigTransaction, { id }: SecretRow, version: number): Promise<boolean> {
  const rows = await manager.query<unknown[]>(
    `SELECT 1 FROM rotation_run WHERE secret_id = $1 AND finished_at IS NULL
       AND (step = 'REVOKING' AND old_version = $2 OR step = 'UNDOING' AND new_version = $2)`,
    [id, version],
  );
  return rows.length > 0;
}

function stateOf(
  secret: SecretRow,
  { version, isPending }: { version: number; isPending: boolean },
): SecretVersionView['state'] {
  if (version === secret.currentVersion) return 'CURRENT';
  return isPending ? 'PENDING' : 'AVAILABLE';
}
