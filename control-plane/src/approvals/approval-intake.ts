import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { PolicyBody } from '@onecli/shared/domain/policy';
import { policyContext } from '@onecli/shared/seal-contexts';
import { open } from '@onecli/shared/vault/seal';
import type { DataSource, EntityManager } from 'typeorm';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { PolicyEntity } from '../policies/policy.entity.ts';
import { environmentsOfRule, isAsking } from './approval-body.ts';
import { type Ask, keepAsk } from './approval-store.ts';

interface IntakeLog {
  warn(fields: object, message: string): void;
}

export interface ApprovalIntakeOptions {
  readonly database: DataSource;
  readonly keys: Pick<InstanceKeys, 'keyring' | 'fingerprintKey'>;
  readonly log: IntakeLog;
}

/** What an event says was asked for. */
interface Refused extends Pick<AuditEvent, 'host' | 'port' | 'method' | 'path'> {
  readonly agentId: string;
  readonly agent: string;
  readonly rule: string;
  count: number;
  lastMs: number;
}

const writeEveryMs = 500;
/** Beyond so many that could not be written, new ones are let go: an agent that still wants it asks again. */
const maxWaiting = 1_000;
const keptDays = 30;
const dropEveryMs = 3_600_000;

/**
 * Keeps what agents were refused for want of an approval, so that a person may decide: from audit events as they are written. A crash
 * loses the last half second of it, and the agent asks again.
 */
export class ApprovalIntake {
  readonly #options: ApprovalIntakeOptions;
  #waiting = new Map<string, Refused>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #nextDropAt = 0;

  constructor(options: ApprovalIntakeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.write(), writeEveryMs);
    this.#timer.unref();
  }

  /** Ends it, with what waits written. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  /** Takes what a batch says was refused so. */
  count(events: readonly AuditEvent[]): void {
    for (const { reason, agentId, agent, rule, host, port, method, path, timeMs } of events) {
      if (reason !== 'APPROVAL_REQUIRED' || agentId === undefined || agent === undefined || rule === undefined)
        continue;
      const key = JSON.stringify([agentId, rule, host, port, method, path]);
      const known = this.#waiting.get(key);
      if (known !== undefined) {
        known.count++;
        known.lastMs = Math.max(known.lastMs, timeMs);
      } else if (this.#waiting.size < maxWaiting) {
        this.#waiting.set(key, { agentId, agent, rule, host, port, method, path, count: 1, lastMs: timeMs });
      }
    }
  }

  /** Writes what waits. What cannot be written now waits on. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const taken = this.#waiting;
    this.#waiting = new Map();
    const { database, log } = this.#options;
    try {
      await database.transaction('READ COMMITTED', async (manager) => {
        for (const refused of taken.values()) await this.#keep(manager, refused);
      });
      await this.#drop();
    } catch (error) {
      log.warn({ err: error }, 'what agents ask persons to approve could not be written; it will be tried again');
      for (const [key, refused] of taken) if (!this.#waiting.has(key)) this.#waiting.set(key, refused);
    }
  }

  async #keep(manager: EntityManager, { count, lastMs, ...refused }: Refused): Promise<void> {
    const asked = await this.#askedOf(manager, refused);
    if (asked !== undefined) await keepAsk(manager, this.#options.keys, { id: randomUUID(), asked, count, lastMs });
  }

  /** By the policy as it is now: a rule that asks no more, or is gone, needs no decision. */
  async #askedOf(
    manager: EntityManager,
    refused: Omit<Refused, 'count' | 'lastMs'>,
  ): Promise<Ask['asked'] | undefined> {
    const [, name, index] = /^([^/]+)\/rules\/([0-9]+)$/.exec(refused.rule) ?? [];
    if (name === undefined) return undefined;
    const policy = await manager.findOneBy(PolicyEntity, { name });
    if (policy === null) return undefined;
    const { keyring } = this.#options.keys;
    const body = open(keyring, policyContext(policy.id, policy.version), policy.sealedBody).toString('utf8');
    const rule = (JSON.parse(body) as PolicyBody).rules[Number(index)];
    if (rule === undefined || !isAsking(rule)) return undefined;
    return { ...refused, policyId: policy.id, key: rule.approval.key, environments: environmentsOfRule(rule) };
  }

  /** Nobody looks at what was asked for long ago. */
  async #drop(): Promise<void> {
    const now = performance.now();
    if (now < this.#nextDropAt) return;
    this.#nextDropAt = now + dropEveryMs;
    await this.#options.database.query(
      'DELETE FROM approval WHERE last_asked_at < now() - make_interval(days => $1) AND coalesce(ends_at, now()) <= now()',
      [keptDays],
    );
  }
}
