import { Fault } from '@onecli/shared/fault';
import type { Principal } from './principal.ts';

export interface FewBounds {
  readonly ofPrincipal: number;
  readonly inAll: number;
  /** Who may wait instead of being refused, and how long: a query with several fields asks for several at once. Absent: nobody. */
  readonly line?: { readonly ofPrincipal: number; readonly inAll: number; readonly waitMs: number };
}

interface Waiting {
  readonly name: string;
  readonly begin: () => void;
}

/** Work that takes seconds of the database: a few pieces at once in this process, fewer of one principal. What is too much is refused. */
export class FewAtOnce {
  readonly #bounds: FewBounds;
  readonly #refusal: string;
  readonly #underway = new Map<string, number>();
  readonly #line = new Set<Waiting>();
  #total = 0;

  /** @param refusal what is said when there is too much */
  constructor(bounds: FewBounds, refusal: string) {
    this.#bounds = bounds;
    this.#refusal = refusal;
  }

  /** @throws Fault OVERLOADED, and what the work throws */
  async run<T>(principal: Principal, work: () => Promise<T>): Promise<T> {
    const name = nameOf(principal);
    if (this.#isFree(name)) this.#take(name);
    else await this.#wait(name);
    try {
      return await work();
    } finally {
      this.#release(name);
    }
  }

  #isFree(name: string): boolean {
    const { ofPrincipal, inAll } = this.#bounds;
    return this.#total < inAll && (this.#underway.get(name) ?? 0) < ofPrincipal;
  }

  #take(name: string): void {
    this.#total++;
    this.#underway.set(name, (this.#underway.get(name) ?? 0) + 1);
  }

  #release(name: string): void {
    this.#total--;
    const left = (this.#underway.get(name) ?? 1) - 1;
    if (left > 0) this.#underway.set(name, left);
    else this.#underway.delete(name);
    for (const waiting of this.#line) if (this.#isFree(waiting.name)) waiting.begin();
  }

  /** Waits in the line until it is taken. Nobody stays in it for longer than he may, so that it empties of those who left. */
  #wait(name: string): Promise<void> {
    const { line } = this.#bounds;
    const own = [...this.#line].filter((one) => one.name === name).length;
    if (line === undefined || own >= line.ofPrincipal || this.#line.size >= line.inAll) throw this.#overloaded();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        name,
        begin: () => {
          clearTimeout(timer);
          this.#line.delete(waiting);
          this.#take(name);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#line.delete(waiting);
        reject(this.#overloaded());
      }, line.waitMs);
      this.#line.add(waiting);
    });
  }

  #overloaded(): Fault {
    return new Fault('OVERLOADED', this.#refusal);
  }
}

/** Under which name a principal's work is counted: a person's keys and sessions are one, and more of them are no more work. */
export function nameOf({ kind, name, userId }: Principal): string {
  return userId === undefined ? `${kind} ${name}` : `user ${userId}`;
}
