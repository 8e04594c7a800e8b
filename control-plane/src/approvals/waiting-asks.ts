import type { AuditEvent } from '@onecli/shared/domain/audit-event';

/** What events say was asked for. */
export interface Refused extends Pick<AuditEvent, 'host' | 'port' | 'method' | 'path'> {
  readonly agentId: string;
  readonly agent: string;
  readonly rule: string;
  readonly count: number;
  /** By this clock, when it was last asked for. */
  readonly lastMs: number;
  /** The newest by which it was refused. */
  readonly revision: number;
}

/** So much of one agent is kept as pending: more of it could not be written. */
const maxOfAgent = 50;
/** Enough for a hundred agents that each ask for all they may. */
const maxWaiting = 5_000;

/**
 * What is yet to be written of asks, the same thing once. Beyond the bounds new things are let go: an agent that still wants it asks
 * again. Agents take turns, so that one that asks a lot neither fills it nor keeps the others waiting.
 */
export class WaitingAsks {
  readonly #ofAgents = new Map<string, Map<string, Refused>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Takes one more, or puts back one that could not be written. */
  add(refused: Refused): void {
    const { agentId, rule, host, port, method, path } = refused;
    const key = JSON.stringify([rule, host, port, method, path]);
    const asks = this.#ofAgents.get(agentId) ?? new Map<string, Refused>();
    const known = asks.get(key);
    if (known === undefined) {
      if (asks.size >= maxOfAgent || this.#size >= maxWaiting) return;
      this.#size++;
    }
    asks.set(key, known === undefined ? refused : both(known, refused));
    this.#ofAgents.set(agentId, asks);
  }

  /** Takes out the oldest of the agent whose turn it is. */
  take(): Refused | undefined {
    for (const [agentId, asks] of this.#ofAgents) {
      this.#ofAgents.delete(agentId);
      for (const [key, refused] of asks) {
        asks.delete(key);
        this.#size--;
        if (asks.size > 0) this.#ofAgents.set(agentId, asks);
        return refused;
      }
    }
    return undefined;
  }
}

function both(known: Refused, refused: Refused): Refused {
  return {
    ...known,
    count: known.count + refused.count,
    lastMs: Math.max(known.lastMs, refused.lastMs),
    revision: Math.max(known.revision, refused.revision),
  };
}
