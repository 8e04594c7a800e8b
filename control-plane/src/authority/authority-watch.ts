import { type AuthorityKind, authorityKinds } from '@onecli/shared/certificates/sealed-authority';
import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { systemPrincipal } from '../auth/principal.ts';
import { authorityTables } from './authority.entity.ts';
import type { LeaderJob } from '../leadership/leader-jobs.ts';
import type { AuthorityService } from './authority.service.ts';

interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface AuthorityWatchOptions {
  readonly database: DataSource;
  readonly authorities: Pick<AuthorityService, 'activate' | 'endOfActive'>;
  /** When the active authority of a kind ends; undefined when another control plane looks at that. */
  readonly seen: (kind: AuthorityKind, endsAt: Date | undefined) => void;
  readonly log: WatchLog;
}

const lookEveryMs = 2_000;
const lookAtEndEveryMs = 600_000;
const dayMs = 86_400_000;
/** How long before its end somebody is told, once a day. */
const warnAheadMs = 30 * dayMs;

/** Activates the next authority when its overlap is over and every live worker hands it out, and tells when the active one ends. */
export class AuthorityWatch implements LeaderJob {
  readonly name = 'authorities';
  readonly everyMs = lookEveryMs;
  readonly #options: AuthorityWatchOptions;
  /** Why it was not activated, as it was last told. */
  readonly #told = new Map<AuthorityKind, string>();
  #nextEndAt = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AuthorityWatchOptions) {
    this.#options = options;
  }

  readonly look = async (): Promise<void> => {
    if (performance.now() >= this.#nextEndAt) await this.#lookAtEnds();
    for (const kind of authorityKinds) await this.#activateDue(kind);
  };

  readonly lost = (): void => {
    this.#nextEndAt = 0;
    for (const kind of authorityKinds) this.#options.seen(kind, undefined);
  };

  async #lookAtEnds(): Promise<void> {
    const { authorities, seen, log } = this.#options;
    const now = performance.now();
    const isWarning = now - this.#warnedAt >= dayMs;
    for (const kind of authorityKinds) {
      const endsAt = await authorities.endOfActive(kind);
      if (endsAt === undefined) continue;
      seen(kind, endsAt);
      if (!isWarning || endsAt.getTime() - Date.now() > warnAheadMs) continue;
      this.#warnedAt = now;
      log.warn({ kind, endsAt }, 'a certificate authority ends soon: rotate it (docs/authority.md)');
    }
    this.#nextEndAt = now + lookAtEndEveryMs;
  }

  async #activateDue(kind: AuthorityKind): Promise<void> {
    const { database, authorities, log } = this.#options;
    const due = await database.query<{ id: string }[]>(
      `SELECT id FROM ${authorityTables[kind]} WHERE NOT is_active AND replaced_at IS NULL AND activates_at <= now()`,
    );
    const [next] = due;
    if (next === undefined) return;
    try {
      const { change } = await authorities.activate(systemPrincipal, { kind });
      if (change === 'UPDATED') log.info({ authority: next.id }, 'the next certificate authority signs from now on');
      this.#told.delete(kind);
      this.#nextEndAt = 0;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#tell(kind, `the next certificate authority cannot sign yet: ${error.message}`, { authority: next.id });
    }
  }

  /** Once for each thing that is in the way. */
  #tell(kind: AuthorityKind, message: string, fields: object): void {
    if (message !== this.#told.get(kind)) this.#options.log.warn(fields, message);
    this.#told.set(kind, message);
  }
}
