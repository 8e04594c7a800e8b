import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { SharedCount, SharedCounts } from '../../ports/shared-counts.ts';
import type { RedisSettings } from '../../redis-settings.ts';
import { beforeDeadline, orAfter } from '../before-deadline.ts';
import { openRedis } from './open-redis.ts';

/** A request waits no longer for it: it is judged by what its worker has counted. */
const answerTimeoutMs = 250;
const silentMs = 1_000;
const closeTimeoutMs = 500;
const defaultLeaseMs = 15_000;
const renewalsInLease = 3;
/** Questions on their way; one more is not asked. */
const maxUnderway = 10_000;
const maxBytesPerSecond = 16 * 1024 * 1024;
const renewedAtOnce = 500;

/**
 * KEYS: who holds places under one limit, a hash of `<count> <end of the lease in ms>` by worker. ARGV: worker, its places with the new one,
 * how many there may be, length of a lease in ms. The clock is Redis's own. Gives the places of the others.
 */
const enterScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = 0
local held = redis.call('HGETALL', KEYS[1])
for at = 1, #held, 2 do
  if held[at] ~= ARGV[1] then
    local count, ends = string.match(held[at + 1], '^(%d+) (%d+)$')
    if count and tonumber(ends) > now then
      others = others + tonumber(count)
    else
      redis.call('HDEL', KEYS[1], held[at])
    end
  end
end
local own = tonumber(ARGV[2])
if own + others > tonumber(ARGV[3]) then own = own - 1 end
if own > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %.0f', own, now + tonumber(ARGV[4])))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return others`;

/**
 * KEYS: a count. ARGV: the milliseconds that were left of its time when one was counted. Takes that one back, unless the time is
 * over: the key is gone then, or more is left of the next time than was left of this one. A count is never brought below none.
 */
const takeBackScript = `
local count = tonumber(redis.call('GET', KEYS[1]))
local left = redis.call('PTTL', KEYS[1])
if count and count > 0 and left > 0 and left <= tonumber(ARGV[1]) then
  return redis.call('DECR', KEYS[1])
end
return false`;

export interface RedisSharedCountsOptions {
  readonly settings: RedisSettings;
  /** The instance's own, see `redisPrefix`. */
  readonly prefix: string;
  /** A 32-byte key of the instance. Rules and agents are named by a keyed hash. */
  readonly key: Buffer;
  /** How long the places of a worker that died are taken. */
  readonly leaseMs?: number;
}

/** Counts on Redis: requests in a time by rate-limiter-flexible, places by leases that this worker renews. */
export class RedisSharedCounts implements SharedCounts {
  readonly #client: Redis | Cluster;
  readonly #rates: RateLimiterRedis;
  readonly #nameKey: Buffer;
  readonly #prefix: string;
  readonly #leaseMs: number;
  readonly #worker = randomBytes(8).toString('hex');
  /** Places of this worker, by name in Redis. */
  readonly #held = new Map<string, number>();
  /** Of those, what Redis is to be told; a place that was let go is in here alone. */
  readonly #untold = new Set<string>();
  readonly #renewing: NodeJS.Timeout;
  #telling: NodeJS.Immediate | undefined;
  #underway = 0;

  constructor({ settings, prefix, key, leaseMs = defaultLeaseMs }: RedisSharedCountsOptions) {
    this.#leaseMs = leaseMs;
    this.#client = openRedis(settings, { name: 'onecli-limits', silentMs, maxBytesPerSecond });
    // Without the braces: on a cluster, these are spread over all nodes.
    this.#prefix = prefix.replace(/[{}]/g, '');
    this.#nameKey = Buffer.from(hkdfSync('sha256', key, '', 'onecli/v1/limit-names', 32));
    this.#rates = new RateLimiterRedis({
      storeClient: this.#client,
      points: Number.MAX_SAFE_INTEGER,
      duration: 1,
      keyPrefix: `${this.#prefix}:rate`,
      rejectIfRedisNotReady: true,
    });
    this.#client.on('ready', () => void this.#renew());
    this.#renewing = setInterval(() => void this.#renew(), leaseMs / renewalsInLease).unref();
  }

  async count(key: string, perSeconds: number): Promise<SharedCount | undefined> {
    const counted = await this.#ask(() => this.#rates.consume(this.#nameOf(key), 1, { customDuration: perSeconds }));
    if (counted === undefined || !Number.isSafeInteger(counted.consumedPoints)) return undefined;
    return { requests: counted.consumedPoints, msBeforeNext: counted.msBeforeNext };
  }

  async takeBack(key: string, { msBeforeNext }: SharedCount): Promise<void> {
    if (!Number.isSafeInteger(msBeforeNext) || msBeforeNext <= 0) return;
    const name = this.#rates.getKey(this.#nameOf(key));
    await this.#ask(() => this.#client.eval(takeBackScript, 1, name, msBeforeNext));
  }

  async enter(key: string, own: number, max: number): Promise<number | undefined> {
    const name = `${this.#prefix}:held:${this.#nameOf(key)}`;
    this.#held.set(name, own);
    this.#untold.delete(name);
    const others = await this.#ask(() => this.#tell(name, own, max));
    return typeof others === 'number' && Number.isSafeInteger(others) && others >= 0 ? others : undefined;
  }

  hold(key: string, own: number): void {
    const name = `${this.#prefix}:held:${this.#nameOf(key)}`;
    if (own > 0) this.#held.set(name, own);
    else this.#held.delete(name);
    this.#untold.add(name);
    this.#telling ??= setImmediate(() => this.#tellAll());
  }

  async close(): Promise<void> {
    clearInterval(this.#renewing);
    if (this.#telling) this.#tellAll();
    await orAfter(closeTimeoutMs, this.#client.quit());
    this.#client.disconnect();
  }

  #tellAll(): void {
    clearImmediate(this.#telling);
    this.#telling = undefined;
    const names = [...this.#untold];
    this.#untold.clear();
    for (const name of names) void this.#ask(() => this.#tell(name, this.#held.get(name) ?? 0));
  }

  /** Leases end; and a Redis that was away, or has lost everything, is told anew. What is left of places let go meanwhile ends by itself. */
  async #renew(): Promise<void> {
    const names = [...this.#held.keys()];
    for (let at = 0; at < names.length; at += renewedAtOnce) {
      const some = names.slice(at, at + renewedAtOnce);
      await Promise.all(some.map((name) => this.#ask(() => this.#tell(name, this.#held.get(name) ?? 0))));
    }
  }

  #tell(name: string, own: number, max: number = Number.MAX_SAFE_INTEGER): Promise<unknown> {
    return this.#client.eval(enterScript, 1, name, this.#worker, own, max, this.#leaseMs);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (this.#client.status !== 'ready' || this.#underway >= maxUnderway) return undefined;
    this.#underway++;
    try {
      return await beforeDeadline('counting', answerTimeoutMs, question);
    } catch {
      // Away, late, or nonsense: this worker's own count is what holds.
      return undefined;
    } finally {
      this.#underway--;
    }
  }

  #nameOf(key: string): string {
    return createHmac('sha256', this.#nameKey).update(key).digest('base64url').slice(0, 22);
  }
}
