import { createHmac, randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';

const rowsAtOnce = 2_000;
/** By then an event is in the trail. What says that it comes from the future is none of this moment either. */
const graceSeconds = 60;

/**
 * Finds rows of the record of admins that no entry speaks of, in constant memory: the ids of rows and of entries have to come to the
 * same sum, of numbers that nobody can foresee.
 */
export class AdminTally {
  readonly #manager: EntityManager;
  readonly #fromMicros: number;
  readonly #nowMicros = Date.now() * 1_000;
  readonly #key = randomBytes(32);
  #sum = 0n;
  #more = 0;

  /** @param fromMs of rows before this moment the entries may be gone */
  constructor(manager: EntityManager, fromMs: number) {
    this.#manager = manager;
    this.#fromMicros = Math.ceil(fromMs) * 1_000;
  }

  /** Takes the row of an entry. */
  entry(row: Readonly<Record<string, unknown>>): void {
    if (this.#counts(Number(row['atMicros']))) this.#add(String(row['id']), -1);
  }

  /** Reads all rows. @returns what is wrong, if anything is */
  async finish(): Promise<string | undefined> {
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const rows = await this.#manager.query<{ id: string; micros: string }[]>(
        `SELECT id, (extract(epoch FROM at) * 1000000)::bigint AS micros FROM admin_event WHERE id > $1 ORDER BY id LIMIT $2`,
        [after, rowsAtOnce],
      );
      for (const { id, micros } of rows) if (this.#counts(Number(micros))) this.#add(id, 1);
      after = rows.at(-1)?.id ?? after;
      if (rows.length < rowsAtOnce) break;
    }
    if (this.#sum === 0n) return undefined;
    if (this.#more > 0) return `the record of admins has ${this.#more} events that no entry speaks of`;
    return 'the record of admins has events that no entry speaks of, or some that several do';
  }

  #counts(micros: number): boolean {
    return micros >= this.#fromMicros && Math.abs(this.#nowMicros - micros) > graceSeconds * 1_000_000;
  }

  #add(id: string, sign: 1 | -1): void {
    this.#more += sign;
    this.#sum += BigInt(sign) * BigInt(`0x${createHmac('sha256', this.#key).update(id).digest('hex')}`);
  }
}
