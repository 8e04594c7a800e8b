import { Fault } from '@onecli/shared/fault';

const maxConnections = 200;
const maxOfPrincipal = 20;

/** How many connections are open, in all and of each principal. */
export class ConnectionLimits {
  readonly #open = new Map<string, number>();
  #total = 0;

  /** Counts a connection; call what it gives when it has ended. @throws Fault OVERLOADED */
  take(principal: string): () => void {
    const open = this.#open.get(principal) ?? 0;
    if (open >= maxOfPrincipal || this.#total >= maxConnections)
      throw new Fault('OVERLOADED', 'There are too many connections for subscriptions');
    this.#open.set(principal, open + 1);
    this.#total += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#total -= 1;
      const left = (this.#open.get(principal) ?? 1) - 1;
      if (left === 0) this.#open.delete(principal);
      else this.#open.set(principal, left);
    };
  }
}

const windowMs = 10_000;
const maxInWindow = 100;

/** How many messages a connection may send: 100 in 10 seconds, so that asking and taking back costs no more than waiting. */
export class MessageBudget {
  #startedMs = 0;
  #count = 0;

  /** False when there were too many. */
  take(nowMs: number): boolean {
    if (nowMs - this.#startedMs >= windowMs) {
      this.#startedMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= maxInWindow;
  }
}
