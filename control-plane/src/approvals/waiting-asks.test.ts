import { describe, expect, it } from 'vitest';
import { type Refused, WaitingAsks } from './waiting-asks.ts';

const one: Refused = {
  agentId: 'a',
  agent: 'a',
  rule: 'p/rules/0',
  host: 'api.example.com',
  port: 443,
  method: 'POST',
  path: '/',
  count: 1,
  lastMs: 1,
  revision: 1,
};

function fill(waiting: WaitingAsks, agentId: string, count: number): void {
  for (let index = 0; index < count; index++) waiting.add({ ...one, agentId, path: `/${index}` });
}

describe('asks that wait to be written', () => {
  it('counts the same thing together, of fifty things of an agent at most', () => {
    const waiting = new WaitingAsks();
    fill(waiting, 'a', 60);
    waiting.add({ ...one, path: '/0', count: 3, lastMs: 7, revision: 5 });
    waiting.add({ ...one, path: '/0', lastMs: 2 });
    expect(waiting.size).toBe(50);
    expect(waiting.take()).toEqual({
      ...one,
      path: '/0',
      count: 5,
      lastMs: 7,
      revision: 5,
    });
  });

  it('gives agents turns, also after one was put back', () => {
    const waiting = new WaitingAsks();
    fill(waiting, 'loud', 50);
    fill(waiting, 'quiet', 1);
    const first = waiting.take() as Refused;
    waiting.add(first);
    expect([first.agentId, waiting.take()?.agentId, waiting.take()?.path]).toEqual(['loud', 'quiet', '/1']);
    expect(waiting.size).toBe(49);
  });

  it('is bounded over all agents, whatever is put back', () => {
    const waiting = new WaitingAsks();
    for (let agent = 0; agent < 101; agent++) fill(waiting, `agent-${agent}`, 50);
    expect(waiting.size).toBe(5_000);
    const taken = waiting.take() as Refused;
    waiting.add({ ...one, agentId: 'late' });
    waiting.add(taken);
    expect(waiting.size).toBe(5_000);
    const agents = new Set<string>();
    for (let next = waiting.take(); next !== undefined; next = waiting.take()) agents.add(next.agentId);
    expect([waiting.size, agents.size, agents.has('late')]).toEqual([0, 101, true]);
  });
});
