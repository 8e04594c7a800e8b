import { describe, expect, it } from 'vitest';
import { connectedTo, reachGraph } from './reach-graph.ts';

const rules = [
  { effect: 'ALLOW', agents: ['a', 'b'], hosts: ['x.example'], secrets: ['prod/x'] },
  { effect: 'DENY', agents: ['b'], hosts: ['y.example', 'x.example'], secrets: [] },
  { effect: 'ALLOW', agents: ['c'], hosts: ['z.example'], secrets: [] },
] as const;
const namesIn = (graph: ReturnType<typeof reachGraph>) =>
  Object.fromEntries(Object.entries(graph.nodes).map(([column, nodes]) => [column, nodes.map(({ name }) => name)]));

describe('the graph of what rules say', () => {
  it('has each name once, and a line where a rule has both', () => {
    const graph = reachGraph(rules);
    expect(namesIn(graph)).toEqual({
      agent: ['a', 'b', 'c'],
      host: ['x.example', 'y.example', 'z.example'],
      secret: ['prod/x'],
    });
    expect(graph.edges).toEqual([
      { from: 'agent:a', to: 'host:x.example', isDenied: false },
      { from: 'agent:b', to: 'host:x.example', isDenied: false },
      { from: 'host:x.example', to: 'secret:prod/x', isDenied: false },
      { from: 'agent:b', to: 'host:y.example', isDenied: true },
      { from: 'agent:c', to: 'host:z.example', isDenied: false },
    ]);
  });

  it('with a focus has no other of its column', () => {
    expect(namesIn(reachGraph(rules.slice(0, 1), { column: 'agent', name: 'a' }))).toEqual({
      agent: ['a'],
      host: ['x.example'],
      secret: ['prod/x'],
    });
  });

  it('tells what is connected to a node, and not what merely shares a host with it', () => {
    const { edges } = reachGraph(rules);
    expect([...connectedTo('agent:a', edges)].sort()).toEqual(['agent:a', 'host:x.example', 'secret:prod/x']);
    expect([...connectedTo('secret:prod/x', edges)].sort()).toEqual([
      'agent:a',
      'agent:b',
      'host:x.example',
      'secret:prod/x',
    ]);
  });
});
