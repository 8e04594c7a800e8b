import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { DataSource } from 'typeorm';

interface UseLog {
  warn(fields: object, message: string): void;
}

interface Use {
  readonly name: string;
  readonly version: number;
  lastMs: number;
  uses: number;
  rejections: number;
  /** By their ids. */
  readonly usedBy: Set<string>;
  readonly rejectedBy: Set<string>;
}

const writeEveryMs = 1_000;
/** Beyond so many that could not be written, new ones are let go: what they tell is told again by later events. */
const maxWaiting = 100_000;
/** Enough to tell one agent from several. */
const maxAgents = 2;
const rejectedStatuses: ReadonlySet<number> = new Set([401, 403]);

/**
 * Counts by secret version when it was last used, how often, and how often an upstream then said 401 or 403: from batches of
 * audit events as they are written, in one statement a second. A crash loses the last second of it, never an audit event.
 */
export class SecretUse {
  readonly #database: DataSource;
  readonly #log: UseLog;
  #waiting = new Map<string, Use>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(database: DataSource, log: UseLog) {
    this.#database = database;
    this.#log = log;
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

  /** Takes what a batch says of secrets. What was denied used none. */
  count(events: readonly AuditEvent[]): void {
    for (const { secrets, decision, status, timeMs, agentId } of events) {
      if (secrets.length === 0 || decision !== 'allow') continue;
      const isRejected = rejectedStatuses.has(status);
      for (const secret of secrets) this.#add(secret, timeMs, agentId, isRejected);
    }
  }

  /** Writes what waits. What cannot be written now waits on. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  #add(secret: string, timeMs: number, agentId = '', isRejected: boolean): void {
    let use = this.#waiting.get(secret);
    if (use === undefined) {
      const at = secret.lastIndexOf('@');
      const version = Number(secret.slice(at + 1));
      if (at === -1 || !Number.isSafeInteger(version) || this.#waiting.size >= maxWaiting) return;
      use = {
        name: secret.slice(0, at),
        version,
        lastMs: 0,
        uses: 0,
        rejections: 0,
        usedBy: new Set(),
        rejectedBy: new Set(),
      };
      this.#waiting.set(secret, use);
    }
    use.lastMs = Math.max(use.lastMs, timeMs);
    use.uses++;
    addAgents(use.usedBy, [agentId]);
    if (!isRejected) return;
    use.rejections++;
    addAgents(use.rejectedBy, [agentId]);
  }

  async #write(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const taken = this.#waiting;
    this.#waiting = new Map();
    const uses = [...taken.values()];
    try {
      // A secret of the same name that was made since then has not been used by it.
      await this.#database.query(
        `INSERT INTO secret_use (secret_id, version, last_used_at, uses, rejections, used_by, rejected_by)
         SELECT s.id, u.version, to_timestamp(u.last_ms / 1000), u.uses, u.rejections, string_to_array(u.used_by, ' '), string_to_array(u.rejected_by, ' ')
         FROM unnest($1::text[], $2::int[], $3::float8[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
           AS u(name, version, last_ms, uses, rejections, used_by, rejected_by)
         JOIN secret s ON s.name = u.name AND s.created_at <= to_timestamp(u.last_ms / 1000)
         ORDER BY s.id, u.version
         ON CONFLICT (secret_id, version) DO UPDATE SET
           last_used_at = greatest(secret_use.last_used_at, excluded.last_used_at),
           uses = secret_use.uses + excluded.uses,
           rejections = secret_use.rejections + excluded.rejections,
           used_by = ARRAY(SELECT DISTINCT unnest(secret_use.used_by || excluded.used_by) LIMIT $8),
           rejected_by = ARRAY(SELECT DISTINCT unnest(secret_use.rejected_by || excluded.rejected_by) LIMIT $8)`,
        [
          uses.map(({ name }) => name),
          uses.map(({ version }) => version),
          uses.map(({ lastMs }) => lastMs),
          uses.map((use) => use.uses),
          uses.map(({ rejections }) => rejections),
          uses.map(({ usedBy }) => [...usedBy].join(' ')),
          uses.map(({ rejectedBy }) => [...rejectedBy].join(' ')),
          maxAgents,
        ],
      );
    } catch (error) {
      this.#log.warn({ err: error }, 'when secrets were last used could not be written; it will be tried again');
      for (const [secret, use] of taken) this.#putBack(secret, use);
    }
  }

  #putBack(secret: string, use: Use): void {
    const later = this.#waiting.get(secret);
    if (later === undefined) {
      this.#waiting.set(secret, use);
      return;
    }
    later.lastMs = Math.max(later.lastMs, use.lastMs);
    later.uses += use.uses;
    later.rejections += use.rejections;
    addAgents(later.usedBy, use.usedBy);
    addAgents(later.rejectedBy, use.rejectedBy);
  }
}

function addAgents(agents: Set<string>, more: Iterable<string>): void {
  for (const agent of more) if (agents.size < maxAgents) agents.add(agent);
}
