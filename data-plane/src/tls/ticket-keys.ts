import { hkdfSync } from 'node:crypto';

/** So long tickets are sealed under one key. A client that comes later does one whole handshake. */
const periodMs = 12 * 3_600_000;
/** Name, HMAC key and AES key, 16 bytes each, as Node takes them. */
const keyBytes = 48;

/** The keys that session tickets are sealed under at some time. */
export interface TicketKeys {
  readonly keys: Buffer;
  /** From then on there are others. */
  readonly untilMs: number;
}

/** Session ticket keys of an instance: every worker has the same at the same time, so that a client resumes at any of them. */
export class SharedTicketKeys {
  readonly #key: Buffer;
  #current: TicketKeys | undefined;

  /** @param key the instance's key for `tls-tickets` */
  constructor(key: Buffer) {
    this.#key = key;
  }

  at(nowMs: number): TicketKeys {
    const period = Math.floor(nowMs / periodMs);
    const untilMs = (period + 1) * periodMs;
    if (this.#current?.untilMs === untilMs) return this.#current;
    const keys = Buffer.from(hkdfSync('sha256', this.#key, '', `onecli/v1/tls-tickets/${period}`, keyBytes));
    return (this.#current = { keys, untilMs });
  }
}
