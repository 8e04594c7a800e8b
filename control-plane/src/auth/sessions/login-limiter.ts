import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { Fault } from '@onecli/shared/fault';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { DataSource } from 'typeorm';

export interface LoginLimits {
  /** Failed tries for one user from one address in a minute before that pair has to wait. */
  readonly triesPerPair: number;
  /** Failed tries from one address in a minute, whoever is named. */
  readonly triesPerAddress: number;
  /** Failed tries for one user in a quarter of an hour, from all addresses from which that user never signed in. */
  readonly triesPerUser: number;
}

const defaultLimits: LoginLimits = { triesPerPair: 10, triesPerAddress: 50, triesPerUser: 50 };
const minute = 60;
const knownForSeconds = 30 * 24 * 3600;

/** Too many failed logins. */
export class TooManyLogins extends Fault {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('TOO_MANY_LOGINS', `Too many failed logins. Try again in ${retryAfterSeconds} s`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Counts failed logins, in the database: a restart, or a second control plane, forgets none. A try is counted before the
 * password is looked at, so that a thousand tries at once are not a thousand guesses, and taken back when it succeeds. Whoever
 * guesses at one user from everywhere does not lock that user out where he signs in (OWASP, device cookies; here his address).
 */
export class LoginLimiter {
  readonly #database: DataSource;
  readonly #perPair: RateLimiterPostgres;
  readonly #perAddress: RateLimiterPostgres;
  readonly #perUser: RateLimiterPostgres;
  readonly #known: RateLimiterPostgres;

  constructor(database: DataSource, limits: LoginLimits = defaultLimits) {
    this.#database = database;
    const make = (keyPrefix: string, points: number, duration: number) =>
      new RateLimiterPostgres({
        storeClient: database,
        storeType: 'typeorm',
        tableName: 'login_limit',
        tableCreated: true,
        clearExpiredByTimeout: false,
        keyPrefix,
        points,
        duration,
      });
    this.#perPair = make('pair', limits.triesPerPair, minute);
    this.#perAddress = make('address', limits.triesPerAddress, minute);
    this.#perUser = make('user', limits.triesPerUser, 15 * minute);
    this.#known = make('known', 1, knownForSeconds);
  }

  /** Counts a try; `user` is empty where a token was tried. @throws TooManyLogins */
  async count(address: string, user: string): Promise<void> {
    const place = placeOf(address);
    try {
      await this.#perAddress.consume(place);
      await this.#perPair.consume(pairOf(place, user));
      if (user !== '' && (await this.#known.get(pairOf(place, user))) === null)
        await this.#perUser.consume(digest(user));
    } catch (cause) {
      if (!(cause instanceof RateLimiterRes)) throw cause;
      throw new TooManyLogins(Math.max(1, Math.ceil(cause.msBeforeNext / 1000)));
    }
  }

  /** The try that was counted last was no failure of the one who knocked: it is taken back, and the pair starts anew. */
  async uncount(address: string, user: string): Promise<void> {
    const place = placeOf(address);
    await this.#perAddress.reward(place);
    await this.#perPair.delete(pairOf(place, user));
    if (user !== '' && (await this.#known.get(pairOf(place, user))) === null) await this.#perUser.reward(digest(user));
  }

  /** The user signed in from there: guesses from elsewhere do not keep him from doing so again for 30 days. */
  async remember(address: string, user: string): Promise<void> {
    await this.#known.set(pairOf(placeOf(address), user), 1, knownForSeconds);
  }

  /** Forgets what is over. */
  async sweep(): Promise<void> {
    await this.#database.query('DELETE FROM login_limit WHERE expire < $1', [Date.now()]);
  }
}

/** Who holds an IPv6 address holds the /64 that it is in. */
export function placeOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) while (groups.length < 8 - (tail === '' ? 0 : tail.split(':').length)) groups.push('0');
  return `${groups.slice(0, 4).join(':')}::/64`;
}

function pairOf(place: string, user: string): string {
  return `${place} ${digest(user)}`;
}

/** A user's name is chosen by whoever knocks: its digest has a bounded length. */
function digest(user: string): string {
  return createHash('sha256').update(user).digest('base64url');
}
