import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { systemPrincipal } from '../auth/principal.ts';
import type { AuthorityService } from './authority.service.ts';

interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface AuthorityWatchOptions {
  readonly database: DataSource;
  readonly authorities: Pick<AuthorityService, 'activate' | 'endOfActive'>;
  /** When the active authority ends. */
  readonly seen: (endsAt: Date) => void;
  readonly log: WatchLog;
}

const lookEveryMs = 2_000;
const lookAtEndEveryMs = 600_000;
const dayMs = 86_400_000;
/** How long before its end somebody is told, once a day. */
const warnAheadMs = 30 * dayMs;

/** Activates the next authority when its overlap is over and every live worker hands it out, and tells when the active one ends. */
export class AuthorityWatch {
  readonly #options: AuthorityWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  /** Why it was not activated, as it was last told. */
  #told = '';
  #nextEndAt = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AuthorityWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const look = (): void => {
      this.#looking ??= this.look()
        .catch((error: unknown) => this.#tell('the next certificate authority could not be looked at', { err: error }))
        .finally(() => (this.#looking = undefined));
    };
    look();
    this.#timer = setInterval(look, lookEveryMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async look(): Promise<void> {
    if (performance.now() >= this.#nextEndAt) await this.#lookAtEnd();
    await this.#activateDue();
  }

  async #lookAtEnd(): Promise<void> {
    const { authorities, seen, log } = this.#options;
    const endsAt = await authorities.endOfActive();
    const now = performance.now();
    this.#nextEndAt = now + lookAtEndEveryMs;
    if (endsAt === undefined) return;
    seen(endsAt);
    if (endsAt.getTime() - Date.now() > warnAheadMs || now - this.#warnedAt < dayMs) return;
    this.#warnedAt = now;
    log.warn({ endsAt }, 'the certificate authority ends soon: rotate it, or import its successor (docs/authority.md)');
  }

  async #activateDue(): Promise<void> {
    const { database, authorities, log } = this.#options;
    const due = await database.query<{ id: string }[]>(
      'SELECT id FROM certificate_authority WHERE NOT is_active AND replaced_at IS NULL AND activates_at <= now()',
    );
    if (due.length === 0) return;
    try {
      const { change } = await authorities.activate(systemPrincipal);
      if (change === 'UPDATED') log.info({ authority: due[0]?.id }, 'the next certificate authority signs from now on');
      this.#told = '';
      this.#nextEndAt = 0;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#tell(`the next certificate authority cannot sign yet: ${error.message}`, { authority: due[0]?.id });
    }
  }

  #tell(message: string, fields: object): void {
    if (message !== this.#told) this.#options.log.warn(fields, message);
    this.#told = message;
  }
}
