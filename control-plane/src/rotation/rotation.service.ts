import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@onecli/shared/fault';
import { type DataSource, type EntityManager, IsNull } from 'typeorm';
import { authorizeList } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import type { ObjectRef } from '../configuration/object-ref.ts';
import type { Page } from '../configuration/page.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { Removed, WriteOptions, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { authorizeAhead, findSecretFor, requireSecretFor } from '../secrets/require-secret.ts';
import type { SecretRow } from '../secrets/secret.entity.ts';
import type { SecretVault } from '../secrets/secret-vault.ts';
import { cancelRun } from './cancel-run.ts';
import { tryOpenBody, requireFixedRecipe } from './fixed-recipe.ts';
import { authorizeUse, requireBound } from './recipe-secrets.ts';
import { requireNoOpenRestore } from './restored.ts';
import {
  RotationEntity,
  type RotationRow,
  RunEntity,
  type RunOutcome,
  type RunRow,
  type RunStep,
} from './rotation.entity.ts';
import { type RotationBody, rotationInput } from './rotation-input.ts';
import { tellLeftKey } from './left-keys.ts';
import { hasActiveRun, newRun } from './rotation-scheduler.ts';
import { type RotationPageRequest, pageOfRotations } from './rotation-page.ts';
import { nextRun, openBody, sealBody } from './rotation-store.ts';

/** How a secret is rotated, as it is shown: templates name secrets, they hold none. */
export interface RotationView {
  readonly secret: string;
  readonly recipe: RotationBody;
  readonly schedule: string | null;
  readonly zone: string;
  readonly isEnabled: boolean;
  readonly nextRunAt: Date | null;
  /** That last set it. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Where a run stands. */
export interface RunView {
  readonly id: string;
  readonly secret: string;
  readonly step: RunStep;
  /** Null while it is under way. */
  readonly outcome: RunOutcome | null;
  readonly problem: string | null;
  readonly cause: 'asked' | 'schedule';
  readonly oldVersion: number;
  readonly newVersion: number | null;
  readonly watchUntil: Date | null;
  readonly graceUntil: Date | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

const maxRunsShown = 50;

export interface RotationServiceOptions {
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly keys: InstanceKeys;
  readonly vault: SecretVault;
}

/** How secrets are rotated. The work itself is the engine's. */
export class RotationService {
  readonly #options: RotationServiceOptions;

  constructor(options: RotationServiceOptions) {
    this.#options = options;
  }

  /** One page of the rotations that the principal may see, in the order of their secrets' names. */
  async list(principal: Principal, request: RotationPageRequest = {}): Promise<Page<RotationView>> {
    const reach = authorizeList(principal, 'rotation:read');
    const { items, next } = await pageOfRotations(this.#options.database.manager, request, reach);
    return { items: items.map(({ name, row }) => this.#view(name, row)), next };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, ref: ObjectRef): Promise<RotationView> {
    const { manager } = this.#options.database;
    const secret = await requireSecretFor(manager, principal, ['rotation:read'], ref);
    return this.#view(secret.name, await requireRotation(manager, secret));
  }

  /**
   * Sets how a secret is rotated, as a whole. @throws Fault INVALID, NOT_FOUND, FORBIDDEN also for secrets that it would use;
   * CONFLICT also while a run goes by what would change
   */
  async put(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<RotationView>> {
    authorizeAhead(principal, ['rotation:update'], ref);
    const { schedule, zone, isEnabled, currentKeyId, ...body } = parseInput(rotationInput, input);
    authorizeUse(principal, body);
    const { keys, vault, change } = this.#options;
    const work = async (tx: ConfigTransaction) => {
      const secret = await requireSecretFor(tx.manager, principal, ['rotation:update'], ref);
      const { name } = secret;
      await requireBound(tx.manager, secret, body);
      const before = await tx.manager.findOneBy(RotationEntity, { secretId: secret.id });
      const isSame =
        before !== null && currentKeyId === undefined && isSaid(keys, before, { schedule, zone, isEnabled, body });
      if (isSame) return { object: this.#view(name, before), change: 'UNCHANGED' as const };
      tx.checkRevision('rotation', before);
      if (before !== null)
        await requireFixedRecipe(tx.manager, secret, { keys, row: before }, { ...body, currentKeyId });
      const now = new Date();
      const id = before?.id ?? randomUUID();
      const version = (before?.version ?? 0) + 1;
      const nextRunAt = schedule === null ? null : (nextRun(schedule, zone, now) ?? null);
      const sealedBody = sealBody(keys, id, version, body);
      const times = { revision: tx.revision, createdAt: before?.createdAt ?? now, updatedAt: now };
      const row = { id, secretId: secret.id, version, sealedBody, schedule, zone, isEnabled, nextRunAt, ...times };
      await tx.manager.upsert(RotationEntity, row, ['id']);
      if (currentKeyId !== undefined) await vault.setKeyId(tx.manager, secret, secret.currentVersion, currentKeyId);
      tx.changed('rotation', id, 'upsert');
      tx.audit('rotation:update', 'secret', name, { version, schedule });
      return { object: this.#view(name, row), change: before === null ? ('CREATED' as const) : ('UPDATED' as const) };
    };
    const { result, revision } = await change.changeConfig(principal, work, options);
    return { ...result, revision };
  }

  /** Removes how a secret is rotated; absent is fine. @throws Fault CONFLICT while a run is under way */
  async remove(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<Removed> {
    authorizeAhead(principal, ['rotation:delete'], ref);
    const work = async (tx: ConfigTransaction) => {
      const secret = await findSecretFor(tx.manager, principal, ['rotation:delete'], ref);
      const before = secret && (await tx.manager.findOneBy(RotationEntity, { secretId: secret.id }));
      if (secret === null || before === null) return 'UNCHANGED';
      tx.checkRevision('rotation', before);
      if (await tx.manager.existsBy(RunEntity, { secretId: secret.id, finishedAt: IsNull() }))
        throw new Fault('CONFLICT', `A rotation of ${secret.name} is under way: wait for its end`);
      await tx.manager.delete(RotationEntity, { id: before.id });
      tx.changed('rotation', before.id, 'remove');
      tx.audit('rotation:delete', 'secret', secret.name);
      return 'DELETED';
    };
    const { result, revision } = await this.#options.change.changeConfig(principal, work, options);
    return { change: result, revision };
  }

  /** Begins a run. @throws Fault NOT_FOUND; CONFLICT while another is under way, and while a restore is not confirmed */
  async run(principal: Principal, ref: ObjectRef): Promise<{ readonly object: RunView; readonly revision: number }> {
    authorizeAhead(principal, ['rotation:run'], ref);
    const { result, revision } = await this.#options.change.changeConfig(principal, async (tx) => {
      const secret = await requireSecretFor(tx.manager, principal, ['rotation:run'], ref);
      const { name } = secret;
      await requireRotation(tx.manager, secret);
      await requireNoOpenRestore(tx.manager);
      if (await hasActiveRun((sql, parameters) => tx.manager.query(sql, parameters), secret.id))
        throw new Fault('CONFLICT', `A rotation of ${name} is under way`);
      const run = newRun(secret.id, secret.currentVersion, 'asked');
      await tx.manager.insert(RunEntity, run);
      tx.audit('rotation:begun', 'secret', name, { run: run.id, cause: 'asked' });
      return viewRun(name, run);
    });
    return { object: result, revision };
  }

  /**
   * Lets the newest run that is under way go no further. @throws Fault NOT_FOUND; CONFLICT when none is under way, and when it is
   * too late
   */
  async cancel(principal: Principal, ref: ObjectRef): Promise<{ readonly object: RunView; readonly revision: number }> {
    authorizeAhead(principal, ['rotation:run'], ref);
    const { result, revision } = await this.#options.change.changeConfig(principal, async (tx) => {
      const secret = await requireSecretFor(tx.manager, principal, ['rotation:run'], ref);
      const { name } = secret;
      const body = openBody(this.#options.keys, await requireRotation(tx.manager, secret));
      const order = { startedAt: 'DESC' as const };
      const run = await tx.manager.findOne(RunEntity, { where: { secretId: secret.id, finishedAt: IsNull() }, order });
      if (run === null) throw new Fault('CONFLICT', `No rotation of ${name} is under way`);
      const moved = { attempts: 0, nextAt: new Date(), ...(await cancelRun(tx, secret, { run, body })) };
      const { change, left } = tellLeftKey(run, moved);
      await tx.manager.update(RunEntity, { id: run.id }, change);
      tx.audit('rotation:cancelled', 'secret', name, { run: run.id, version: run.newVersion, step: run.step, ...left });
      return viewRun(name, { ...run, ...change });
    });
    return { object: result, revision };
  }

  /** The last runs of a secret, the newest first. @throws Fault NOT_FOUND */
  async runs(principal: Principal, ref: ObjectRef): Promise<RunView[]> {
    const { manager } = this.#options.database;
    const secret = await requireSecretFor(manager, principal, ['rotation:read'], ref);
    const order = { startedAt: 'DESC' as const };
    const rows = await manager.find(RunEntity, { where: { secretId: secret.id }, order, take: maxRunsShown });
    return rows.map((row) => viewRun(secret.name, row));
  }

  #view(secret: string, row: RotationRow): RotationView {
    const { schedule, zone, isEnabled, nextRunAt, revision, createdAt, updatedAt } = row;
    const recipe = openBody(this.#options.keys, row);
    return { secret, recipe, schedule, zone, isEnabled, nextRunAt, revision, createdAt, updatedAt };
  }
}

interface Said extends Pick<RotationRow, 'schedule' | 'zone' | 'isEnabled'> {
  readonly body: RotationBody;
}

/** Whether a row says just this. One that does not open says nothing: it may be set anew. */
function isSaid(keys: InstanceKeys, row: RotationRow, { body, ...given }: Said): boolean {
  const { schedule, zone, isEnabled } = row;
  if (!isDeepStrictEqual({ schedule, zone, isEnabled }, given)) return false;
  return isDeepStrictEqual(tryOpenBody(keys, row), JSON.parse(JSON.stringify(body)));
}

function viewRun(secret: string, run: RunRow): RunView {
  const { id, step, outcome, problem, cause, oldVersion, newVersion, watchUntil, graceUntil, startedAt, finishedAt } =
    run;
  return {
    id,
    secret,
    step,
    outcome,
    problem,
    cause,
    oldVersion,
    newVersion,
    watchUntil,
    graceUntil,
    startedAt,
    finishedAt,
  };
}

async function requireRotation(manager: EntityManager, { id: secretId, name }: SecretRow): Promise<RotationRow> {
  const row = await manager.findOneBy(RotationEntity, { secretId });
  if (row === null) throw new Fault('NOT_FOUND', `Nothing says how ${name} is rotated`);
  return row;
}
