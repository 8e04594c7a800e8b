import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { Policy, PolicyBody } from '@onecli/shared/domain/policy';
import { tracePolicies } from '@onecli/shared/domain/trace-policy';
import { logSparingly } from '@onecli/shared/log-sparingly';
import { policyContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import type { DataSource } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { PolicyEntity } from '../policies/policy.entity.ts';
import { type AskingRule, environmentsOfRule, isAsking } from './approval-body.ts';
import { type Ask, keepAsk } from './approval-store.ts';
import { type Refused, WaitingAsks } from './waiting-asks.ts';

interface IntakeLog {
  warn(fields: object, message: string): void;
}

export interface ApprovalIntakeOptions {
  readonly database: DataSource;
  readonly keys: Pick<InstanceKeys, 'keyring' | 'fingerprintKey'>;
  readonly log: IntakeLog;
}

/** A policy as it is now, with the revision that wrote it. */
type CurrentPolicy = Policy & { readonly revision: number };

/** What a write has read: undefined of a policy that is not there, or does not open. */
type ReadPolicies = Map<string, CurrentPolicy | undefined>;

const writeEveryMs = 500;
/** By policies that were read at its beginning; what waits beyond that is the next one's. */
const maxOfWrite = 1_000;
const maxWritesAtEnd = 10;
const keptDays = 30;
const dropEveryMs = 3_600_000;

/**
 * Keeps what agents were refused for want of an approval, so that a person may decide: from audit events as they are written. A crash
 * loses the last half second of it, and the agent asks again.
 */
export class ApprovalIntake {
  readonly #options: ApprovalIntakeOptions;
  readonly #waiting = new WaitingAsks();
  readonly #unopened: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<boolean> | undefined;
  #nextDropAt = 0;

  constructor(options: ApprovalIntakeOptions) {
    this.#options = options;
    this.#unopened = logSparingly(options.log, 'what agents ask under a policy that does not open is not kept');
  }

  start(): void {
    this.#timer = setInterval(() => void this.write(), writeEveryMs);
    this.#timer.unref();
  }

  /** Ends it, with what waits written, also what came during a write; what cannot be written then is lost. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (let writes = 0; writes < maxWritesAtEnd; writes++) {
      const isWritten = await this.write();
      if (!isWritten || this.#waiting.size === 0) return;
    }
  }

  /** Takes what a batch says was refused so. A worker's clock that is ahead does not make an ask later than it came. */
  count(events: readonly AuditEvent[]): void {
    const nowMs = Date.now();
    for (const { reason, agentId, agent, rule, host, port, method, path, timeMs, revision } of events) {
      if (reason !== 'APPROVAL_REQUIRED' || agentId === undefined || agent === undefined || rule === undefined)
        continue;
      const asked = { agentId, agent, rule, host, port, method, path };
      this.#waiting.add({
        ...asked,
        count: 1,
        lastMs: Math.min(timeMs, nowMs),
        revision,
      });
    }
  }

  /** Writes what waits, and gives whether it could. What cannot be written now waits on. */
  write(): Promise<boolean> {
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #write(): Promise<boolean> {
    const isWritten = await this.#keepWaiting();
    await this.#drop();
    return isWritten;
  }

  /** One by one, in no transaction: a decision on one of them waits for one statement at most. */
  async #keepWaiting(): Promise<boolean> {
    const policies: ReadPolicies = new Map();
    for (let taken = 0; taken < maxOfWrite; taken++) {
      const refused = this.#waiting.take();
      if (refused === undefined) return true;
      try {
        await this.#keep(policies, refused);
      } catch (error) {
        this.#waiting.add(refused);
        const message = 'what agents ask persons to approve could not be written; it will be tried again';
        this.#options.log.warn({ err: error }, message);
        return false;
      }
    }
    return true;
  }

  async #keep(policies: ReadPolicies, refused: Refused): Promise<void> {
    const asked = await this.#askedOf(policies, refused);
    const { database, keys } = this.#options;
    const { count, lastMs } = refused;
    if (asked !== undefined)
      await keepAsk(database.manager, keys, {
        id: randomUUID(),
        asked,
        count,
        lastMs,
      });
  }

  /** By the policy as it is now: a rule that asks that no more, or is gone, needs no decision. */
  async #askedOf(policies: ReadPolicies, refused: Refused): Promise<Ask['asked'] | undefined> {
    const [, name, index] = /^([^/]+)\/rules\/([0-9]+)$/.exec(refused.rule) ?? [];
    if (name === undefined) return undefined;
    if (!policies.has(name)) policies.set(name, await this.#read(name));
    const policy = policies.get(name);
    const rule = policy?.rules[Number(index)];
    if (policy === undefined || rule === undefined || !isAsking(rule) || !asks(policy, rule, refused)) return undefined;
    const { count: _, lastMs: __, revision: ___, ...asked } = refused;
    return {
      ...asked,
      policyId: policy.id,
      key: rule.approval.key,
      environments: environmentsOfRule(rule),
    };
  }

  /** A policy whose row was altered keeps nobody else from asking. */
  async #read(name: string): Promise<CurrentPolicy | undefined> {
    const { database, keys } = this.#options;
    const row = await database.manager.findOneBy(PolicyEntity, { name });
    if (row === null) return undefined;
    const { id, version, revision, sealedBody } = row;
    try {
      const body = open(keys.keyring, policyContext(id, version), sealedBody).toString('utf8');
      return { id, name, revision, ...(JSON.parse(body) as PolicyBody) };
    } catch (error) {
      if (!(error instanceof VaultFault)) throw error;
      this.#unopened(error);
      return undefined;
    }
  }

  /** Nobody looks at what was asked for long ago. */
  async #drop(): Promise<void> {
    const now = performance.now();
    if (now < this.#nextDropAt) return;
    this.#nextDropAt = now + dropEveryMs;
    try {
      await this.#options.database.query(
        'DELETE FROM approval WHERE last_asked_at < now() - make_interval(days => $1) AND coalesce(ends_at, now()) <= now()',
        [keptDays],
      );
    } catch (error) {
      const message = 'what agents asked for long ago could not be removed; it will be tried again in an hour';
      this.#options.log.warn({ err: error }, message);
    }
  }
}

/**
 * Whether it is this rule that asks for it, and not one that took its place. The worker knew, where it went by the policy as it is:
 * also of a path that the trail cuts, and of a method that a header asks for, which no event tells.
 */
function asks(policy: CurrentPolicy, rule: AskingRule, refused: Refused): boolean {
  const { host, port, method, path, lastMs: nowMs, revision } = refused;
  if (policy.revision <= revision) return true;
  const target = parseTarget(path);
  if (target.kind === 'fault') return false;
  const alone = [{ ...policy, rules: [rule] }];
  return target.readings.some((reading) =>
    tracePolicies(alone, {
      host,
      port,
      methods: [method],
      readings: [reading],
      nowMs,
    }).some(({ match }) => match === 'COVERS'),
  );
}
