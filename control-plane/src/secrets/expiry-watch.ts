import type { DataSource } from 'typeorm';
import { systemPrincipal } from '../auth/principal.ts';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';

interface ExpiryLog {
  warn(fields: object, message: string): void;
}

export interface ExpiryWatchOptions {
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly log: ExpiryLog;
  /** How many secrets expire soon, and how many have expired; undefined when another control plane counts them. */
  readonly seen: (counts: { readonly expiring: number; readonly expired: number } | undefined) => void;
}

/** How far ahead somebody is told. */
const warnAheadDays = 14;
const lookEveryMs = 60_000;
const maxAtOnce = 500;

/** Tells of secrets that expire soon or have expired: each once for each time that it is given, by an admin event. */
export class ExpiryWatch implements LeaderJob {
  readonly name = 'expiry';
  readonly everyMs = lookEveryMs;
  readonly #options: ExpiryWatchOptions;

  constructor(options: ExpiryWatchOptions) {
    this.#options = options;
  }

  /** Counts what expires, and records what nobody was told of yet. */
  readonly look = async (): Promise<void> => {
    const { database, seen } = this.#options;
    const [counts] = await database.query<{ expiring: number; expired: number; untold: number }[]>(
      `SELECT count(*) FILTER (WHERE expires_at > now())::int AS expiring,
              count(*) FILTER (WHERE expires_at <= now())::int AS expired,
              count(*) FILTER (WHERE expiry_warned_for IS DISTINCT FROM expires_at)::int AS untold
       FROM secret WHERE expires_at <= now() + make_interval(days => $1)`,
      [warnAheadDays],
    );
    if (counts === undefined) return;
    seen(counts);
    if (counts.untold > 0) await this.#tell();
  };

  readonly lost = (): void => this.#options.seen(undefined);

  async #tell(): Promise<void> {
    const { change, log } = this.#options;
    const { result } = await change.changeConfig(systemPrincipal, async (tx) => {
      const rows = await tx.manager.query<{ id: string; name: string; expires_at: Date }[]>(
        `SELECT id, name, expires_at FROM secret
         WHERE expires_at <= now() + make_interval(days => $1) AND expiry_warned_for IS DISTINCT FROM expires_at
         ORDER BY expires_at LIMIT ${maxAtOnce}`,
        [warnAheadDays],
      );
      for (const { name, expires_at: expiresAt } of rows)
        tx.audit('secret:expiring', 'secret', name, { finding: 'SECRET_EXPIRING', expiresAt: expiresAt.toISOString() });
      await tx.manager.query('UPDATE secret SET expiry_warned_for = expires_at WHERE id = ANY ($1::uuid[])', [
        rows.map(({ id }) => id),
      ]);
      return rows.length;
    });
    if (result > 0) log.warn({ secrets: result }, 'secrets expire soon: the admin events name them');
  }
}
