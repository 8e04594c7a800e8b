/**
 * Brings a run one step on. What a step does outside is done first and recorded after, so that a crash in between repeats it;
 * what it does inside, and the record, is one transaction, which checks that nobody else has moved the run. There is one current
 * version at any time, and an old key is ended only while another one is current.
 */
import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { systemPrincipal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity, type SecretRow } from '../secrets/secret.entity.ts';
import type { SecretVault } from '../secrets/secret-vault.ts';
import { destroyVersion, nextVersion } from '../secrets/secret-versions.ts';
import type { ProviderCaller } from './call-provider.ts';
import { bringBackOld, keepVersion, makeCurrent } from './current-version.ts';
import {
  joinProblems,
  keyLeft,
  mayHaveMadeKey,
  mayStayAtProvider,
  oldKeyLeft,
  oldKeyUnknown,
  tellLeftKey,
} from './left-keys.ts';
import { ProviderCalls } from './provider-calls.ts';
import { ProviderFault } from './provider-fault.ts';
import { isConfirmed, isRejected } from './rejections.ts';
import { RunEntity, type RunOutcome, type RunRow } from './rotation.entity.ts';
import type { RequestTemplate } from './rotation-input.ts';
import { finished, isOldNeeded, usesOf } from './rotation-store.ts';
import { type Standing, standingOf } from './standing.ts';

export interface RotationEngineOptions {
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly keys: InstanceKeys;
  readonly vault: SecretVault;
  readonly caller: ProviderCaller;
}

type EventDetail = Readonly<{ finding?: string; uses?: number; rejections?: number }>;

const attemptsOf = { create: 3, deliver: 5, undo: 5, revoke: 12 } as const;
const supersededMeanwhile = 'somebody gave the secret another value meanwhile';
const retryEveryMs = 2_000;
const lookEveryMs = 1_000;
const canaryEveryMs = 15_000;
const longestPauseMs = 3_600_000;

export class RotationEngine {
  readonly #options: RotationEngineOptions;
  readonly #calls: ProviderCalls;

  constructor(options: RotationEngineOptions) {
    this.#options = options;
    this.#calls = new ProviderCalls(options);
  }

  /** One step of a run that is due. When `signal` aborts, the run stays where it is, for the next who takes it up. */
  async advance(runId: string, signal: AbortSignal): Promise<void> {
    const standing = await standingOf(this.#options.database.manager, this.#options.keys, runId);
    if (standing === undefined) return;
    try {
      await this.#step(standing, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ProviderFault) && !(error instanceof Fault)) throw error;
      await this.#failed(standing, error);
    }
  }

  async #step(standing: Standing, signal: AbortSignal): Promise<void> {
    switch (standing.run.step) {
      case 'CREATING':
        return this.#create(standing, signal);
      case 'DELIVERING':
        await this.#calls.send(standing, standing.body.deliver, 'deliver', signal);
        return this.#move(standing, 'rotation:delivered', { step: 'VERIFYING' });
      case 'VERIFYING':
        await this.#calls.send(standing, standing.body.verify, 'verify', signal);
        return this.#move(standing, 'rotation:verified', { step: 'SWITCHING' });
      case 'SWITCHING':
        return this.#switch(standing);
      case 'WATCHING':
        return this.#watch(standing, signal);
      case 'GRACE':
        return this.#move(standing, 'rotation:grace-over', { step: 'REVOKING' });
      case 'REVOKING':
        return this.#revoke(standing, signal);
      case 'UNDOING':
        return this.#undo(standing, signal);
    }
  }

  /** Asks for a new key, and keeps it as a pending version. */
  async #create(standing: Standing, signal: AbortSignal): Promise<void> {
    const { body, run } = standing;
    // Counted ahead of the call: one that never comes back is a try as well.
    if (run.attempts >= attemptsOf.create) return this.#giveUp(standing, run.problem ?? 'no key came', 'FAILED');
    // Of one that is asked for nobody knows until it is here.
    if (!(await this.#countTry(standing, { mayLeaveKey: run.mayLeaveKey || body.generate === undefined }))) return;
    const { mayLeaveKey } = run;
    run.attempts++;
    const key = await this.#calls.newKey(standing, signal);
    // One that came is lost when it cannot be recorded.
    run.mayLeaveKey ||= body.generate === undefined;
    const { vault } = this.#options;
    await this.#transact(standing, 'rotation:created', async (tx, { secret }) => {
      const version = await nextVersion(tx.manager, secret.id);
      const added = { value: key.value, keyId: key.keyId, now: new Date(), isPending: true };
      await vault.insertVersion(tx.manager, secret, version, added);
      const step = body.deliver === undefined ? 'VERIFYING' : 'DELIVERING';
      return { newVersion: version, mayLeaveKey, step };
    });
  }

  /** The new version becomes the current one, and is watched from now on. */
  async #switch(standing: Standing): Promise<void> {
    const { body, run } = standing;
    await this.#transact(standing, 'rotation:switched', async (tx, { secret }) => {
      if (secret.currentVersion !== run.oldVersion)
        return { step: 'UNDOING', outcome: 'SUPERSEDED', problem: supersededMeanwhile };
      await makeCurrent(tx, secret, run.newVersion ?? 0);
      const nowMs = Date.now();
      return {
        step: 'WATCHING',
        watchUntil: new Date(nowMs + body.watchSeconds * 1000),
        graceUntil: new Date(nowMs + body.graceSeconds * 1000),
      };
    });
  }

  /** Is the new version rejected? Then the old one comes back; when its time is over without that, it has proven itself. */
  async #watch(standing: Standing, signal: AbortSignal): Promise<void> {
    const { run, secret, body } = standing;
    if (secret.currentVersion !== run.newVersion) {
      return this.#finish(standing, 'SUPERSEDED', `${supersededMeanwhile}: the old key was not ended`);
    }
    const found = await usesOf(this.#options.database.manager, secret.id, run.newVersion);
    const { uses, rejections } = found;
    const isDoubted = isRejected(body, found);
    const canary = (template: RequestTemplate) => this.#calls.statusOf(standing, template, signal);
    if (isDoubted && (await isConfirmed(body, found, canary))) return this.#rollBack(standing, rejections);
    const now = new Date();
    if (run.watchUntil !== null && run.watchUntil > now)
      return isDoubted ? this.#dispute(standing) : this.#wait(standing, lookEveryMs);
    const nextAt = run.graceUntil ?? now;
    await this.#move(standing, 'rotation:watched', { step: 'GRACE', nextAt }, { uses, rejections });
  }

  /** Says once that rejections are not believed, and looks again later: each look sends the canary. */
  async #dispute(standing: Standing): Promise<void> {
    const problem = 'requests with the new version were rejected, and nothing else says that it does not work';
    const nextAt = new Date(Math.min(Date.now() + canaryEveryMs, standing.run.watchUntil?.getTime() ?? 0));
    if (standing.run.problem === problem) return this.#wait(standing, nextAt.getTime() - Date.now());
    await this.#move(
      standing,
      'rotation:disputed',
      { step: 'WATCHING', nextAt, problem },
      { finding: 'ROTATION_REJECTION_DISPUTED' },
    );
  }

  async #rollBack(standing: Standing, rejections: number): Promise<void> {
    const { run } = standing;
    const problem = `the upstream rejected the new version ${rejections} times: the old one is current again`;
    await this.#transact(
      standing,
      'rotation:rolled-back',
      async (tx, { secret }) => {
        if (secret.currentVersion !== run.newVersion)
          return { step: 'UNDOING', outcome: 'SUPERSEDED', problem: supersededMeanwhile };
        if (!(await bringBackOld(tx, secret, run)))
          return finished('SUPERSEDED', `${problem.split(':')[0]}, and the old one was destroyed meanwhile`);
        return { step: 'UNDOING', outcome: 'ROLLED_BACK', problem };
      },
      { finding: 'ROTATION_ROLLED_BACK', rejections },
    );
  }

  /** Ends the old key at the provider, and the old version here. */
  async #revoke(standing: Standing, signal: AbortSignal): Promise<void> {
    const { run, secret, body } = standing;
    if (secret.currentVersion === run.oldVersion)
      return this.#finish(standing, 'SUPERSEDED', 'the old version is current again: its key was not ended');
    if (await isOldNeeded(this.#options.database.manager, run)) return this.#wait(standing, 60_000);
    if (run.attempts >= attemptsOf.revoke)
      return this.#finish(standing, 'DONE', `${oldKeyLeft}: ${run.problem ?? ''}`, keyLeft);
    const isKnown = await this.#calls.endKey(standing, run.oldVersion, signal);
    if (body.revoke !== undefined && !isKnown) return this.#finish(standing, 'DONE', oldKeyUnknown, keyLeft);
    await this.#transact(standing, 'rotation:revoked', async (tx, { secret: now }) => {
      if (now.currentVersion !== run.oldVersion) await destroyVersion(tx.manager, now, run.oldVersion);
      return finished('DONE', null);
    });
  }

  /** Ends the new key, which is not to stay. One that may still work at the provider is kept here too, and is said. */
  async #undo(standing: Standing, signal: AbortSignal): Promise<void> {
    const { run, secret, body } = standing;
    const { newVersion, problem } = run;
    const outcome = run.outcome ?? 'FAILED';
    if (newVersion === null || newVersion === secret.currentVersion) return this.#finish(standing, outcome, problem);
    // One that was handed over may be the only one that works.
    const isTried = body.deliver === undefined && run.attempts < attemptsOf.undo;
    const isEnded = isTried && (await this.#calls.endKey(standing, newVersion, signal));
    const left = isEnded ? undefined : mayStayAtProvider(body, newVersion);
    const work = async (tx: ConfigTransaction, { secret: now }: { readonly secret: SecretRow }) => {
      if (newVersion === now.currentVersion) return finished(outcome, problem);
      if (left !== undefined) await keepVersion(tx, now, newVersion);
      else await destroyVersion(tx.manager, now, newVersion);
      return finished(outcome, left === undefined ? problem : joinProblems(problem, left));
    };
    await this.#transact(standing, 'rotation:undone', work, left === undefined ? {} : keyLeft);
  }

  async #failed(standing: Standing, fault: Error): Promise<void> {
    const { run, body } = standing;
    const problem = fault.message;
    switch (run.step) {
      case 'CREATING':
        return this.#wait(standing, retryEveryMs * run.attempts, {
          problem,
          ...(!mayHaveMadeKey(fault) && { mayLeaveKey: run.mayLeaveKey }),
        });
      case 'VERIFYING':
        if (run.attempts + 1 >= body.verifyAttempts) return this.#giveUp(standing, problem, 'FAILED');
        return this.#again(standing, body.verifyEverySeconds * 1000, problem);
      case 'DELIVERING':
        if (run.attempts + 1 >= attemptsOf.deliver) return this.#giveUp(standing, problem, 'FAILED');
        return this.#again(standing, retryEveryMs, problem);
      case 'REVOKING':
        return this.#again(standing, Math.min(longestPauseMs, 30_000 * 2 ** run.attempts), problem);
      default:
        return this.#again(standing, retryEveryMs * 2 ** Math.min(run.attempts, 6), problem, run.step === 'UNDOING');
    }
  }

  #giveUp(standing: Standing, problem: string, outcome: RunOutcome): Promise<void> {
    return this.#move(
      standing,
      'rotation:failed',
      { step: 'UNDOING', outcome, problem },
      { finding: 'ROTATION_FAILED' },
    );
  }

  #finish(standing: Standing, outcome: RunOutcome, problem: string | null, detail: EventDetail = {}): Promise<void> {
    return this.#move(standing, 'rotation:finished', finished(outcome, problem), detail);
  }

  /** Moves the run without touching the secret. */
  #move(standing: Standing, action: string, change: Partial<RunRow>, detail: EventDetail = {}): Promise<void> {
    return this.#transact(standing, action, () => Promise.resolve(change), detail);
  }

  /** Does `work` and records where the run stands then, unless somebody else has moved it. */
  async #transact(
    { run }: Standing,
    action: string,
    work: (tx: ConfigTransaction, now: { readonly secret: SecretRow }) => Promise<Partial<RunRow>>,
    detail: EventDetail = {},
  ): Promise<void> {
    await this.#options.change.changeConfig(systemPrincipal, async (tx) => {
      const secret = await tx.manager.findOneBy(SecretEntity, { id: run.secretId });
      const { id, step, attempts } = run;
      if (secret === null || !(await tx.manager.existsBy(RunEntity, { id, step, attempts }))) return;
      const moved = { attempts: 0, nextAt: new Date(), problem: run.problem, ...(await work(tx, { secret })) };
      const { change, left } = tellLeftKey(run, moved);
      await tx.manager.update(RunEntity, { id }, change);
      const { newVersion: version = run.newVersion, outcome, problem } = change;
      const about = { run: id, version, ...(outcome && { outcome }), ...(problem && { problem }) };
      tx.audit(action, 'secret', secret.name, { ...about, ...left, ...detail });
      // An event has one finding.
      if (left.finding !== undefined && detail.finding !== undefined && detail.finding !== left.finding)
        tx.audit('rotation:finished', 'secret', secret.name, { ...about, ...left });
    });
  }

  /** False when somebody else has moved the run. */
  async #countTry({ run: { id, step, attempts } }: Standing, change: Partial<RunRow> = {}): Promise<boolean> {
    const { manager } = this.#options.database;
    const { affected } = await manager.update(RunEntity, { id, step, attempts }, { attempts: attempts + 1, ...change });
    return affected === 1;
  }

  async #again(standing: Standing, inMs: number, problem: string, isCounted = true): Promise<void> {
    if (isCounted && !(await this.#countTry(standing))) return;
    standing.run.attempts += isCounted ? 1 : 0;
    await this.#wait(standing, inMs, { problem });
  }

  /** Unless somebody else has moved the run, or tries it: what is known here is not all then. */
  async #wait({ run: { id, step, attempts } }: Standing, inMs: number, change: Partial<RunRow> = {}): Promise<void> {
    const nextAt = new Date(Date.now() + inMs);
    await this.#options.database.manager.update(RunEntity, { id, step, attempts }, { nextAt, ...change });
  }
}
