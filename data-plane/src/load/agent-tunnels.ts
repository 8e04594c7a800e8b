/** How many tunnels each agent has open in this worker: one agent must not take what all share. */
export class AgentTunnels {
  readonly #max: number;
  readonly #open = new Map<string, number>();

  /** @param max tunnels of one agent */
  constructor(max: number) {
    this.#max = max;
  }

  /** Counts a tunnel in. False, and nothing counted, when the agent has as many as it may have. */
  enter(agentId: string): boolean {
    const open = this.#open.get(agentId) ?? 0;
    if (open >= this.#max) return false;
    this.#open.set(agentId, open + 1);
    return true;
  }

  /** Counts a tunnel out that was counted in. */
  leave(agentId: string): void {
    const open = this.#open.get(agentId) ?? 0;
    if (open > 1) this.#open.set(agentId, open - 1);
    else this.#open.delete(agentId);
  }
}
