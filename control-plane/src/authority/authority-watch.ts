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
  readonly authorities: Pick<AuthorityService, 'activate'>;
  readonly log: WatchLog;
}

const lookEveryMs = 2_000;

/** Activates the next authority when its overlap is over and every live worker hands it out. */
export class AuthorityWatch {
  readonly #options: AuthorityWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  /** Why it was not activated, as it was last told. */
  #told = '';

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
    const { database, authorities, log } = this.#options;
    const due = await database.query<{ id: string }[]>(
      'SELECT id FROM certificate_authority WHERE NOT is_active AND replaced_at IS NULL AND activates_at <= now()',
    );
    if (due.length === 0) return;
    try {
      const { change } = await authorities.activate(systemPrincipal);
      if (change === 'UPDATED') log.info({ authority: due[0]?.id }, 'the next certificate authority signs from now on');
      this.#told = '';
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
