import { describe, expect, it } from 'vitest';
import { AgentTunnels } from './agent-tunnels.ts';

describe('AgentTunnels', () => {
  it('lets an agent have so many tunnels and no more, and another agent its own', () => {
    const tunnels = new AgentTunnels(2);
    expect([tunnels.enter('a'), tunnels.enter('a'), tunnels.enter('a'), tunnels.enter('b')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('has room again as soon as one has ended, once for each that ended', () => {
    const tunnels = new AgentTunnels(1);
    tunnels.enter('a');
    tunnels.leave('a');
    tunnels.leave('a');
    expect([tunnels.enter('a'), tunnels.enter('a')]).toEqual([true, false]);
  });
});
