/** What the rules say, as a graph in three columns: agents, hosts, secrets. */

export const columns = ['agent', 'host', 'secret'] as const;
export type Column = (typeof columns)[number];

export interface MapNode {
  /** `agent:research` */
  readonly key: string;
  readonly column: Column;
  readonly name: string;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  /** Nothing but denials are between them. */
  readonly isDenied: boolean;
}

export interface ReachGraph {
  readonly nodes: Readonly<Record<Column, readonly MapNode[]>>;
  readonly edges: readonly MapEdge[];
}

export interface ReachedRule {
  readonly effect: 'ALLOW' | 'DENY';
  readonly agents: readonly string[];
  readonly hosts: readonly string[];
  readonly secrets: readonly string[];
}

export interface Focus {
  readonly column: Column;
  readonly name: string;
}

/** The graph of rules. With a focus, only what is connected to it by a rule. */
export function reachGraph(rules: readonly ReachedRule[], focus?: Focus): ReachGraph {
  const names: Record<Column, Set<string>> = { agent: new Set(), host: new Set(), secret: new Set() };
  const edges = new Map<string, MapEdge>();
  const connect = (from: string, to: string, isDenied: boolean) => {
    const key = `${from}\n${to}`;
    edges.set(key, { from, to, isDenied: isDenied && edges.get(key)?.isDenied !== false });
  };
  for (const rule of rules) {
    const { agents, hosts, secrets } = within(rule, focus);
    const isDenied = rule.effect === 'DENY';
    for (const agent of agents) names.agent.add(agent);
    for (const secret of secrets) names.secret.add(secret);
    for (const host of hosts) {
      names.host.add(host);
      for (const agent of agents) connect(`agent:${agent}`, `host:${host}`, isDenied);
      for (const secret of secrets) connect(`host:${host}`, `secret:${secret}`, false);
    }
  }
  return arranged(names, [...edges.values()]);
}

function within({ agents, hosts, secrets }: ReachedRule, focus: Focus | undefined) {
  const only = (column: Column, all: readonly string[]) =>
    focus?.column === column ? all.filter((name) => name === focus.name) : all;
  return { agents: only('agent', agents), hosts: only('host', hosts), secrets: only('secret', secrets) };
}

/** Each column in an order in which few lines cross: by the middle of what a node is connected to on its left. */
function arranged(names: Readonly<Record<Column, ReadonlySet<string>>>, edges: readonly MapEdge[]): ReachGraph {
  const node =
    (column: Column) =>
    (name: string): MapNode => ({ key: `${column}:${name}`, column, name });
  const agent = [...names.agent].sort().map(node('agent'));
  const host = byMiddle([...names.host].sort().map(node('host')), agent, edges);
  const secret = byMiddle([...names.secret].sort().map(node('secret')), host, edges);
  return { nodes: { agent, host, secret }, edges };
}

function byMiddle(nodes: readonly MapNode[], before: readonly MapNode[], edges: readonly MapEdge[]): MapNode[] {
  const places = new Map(before.map(({ key }, index) => [key, index]));
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { from, to } of edges) {
    const place = places.get(from);
    if (place === undefined) continue;
    const { sum, count } = sums.get(to) ?? { sum: 0, count: 0 };
    sums.set(to, { sum: sum + place, count: count + 1 });
  }
  const middle = ({ key }: MapNode) => {
    const found = sums.get(key);
    return found === undefined ? Number.POSITIVE_INFINITY : found.sum / found.count;
  };
  return nodes.toSorted((one, other) => middle(one) - middle(other) || (one.name < other.name ? -1 : 1));
}

/** What is connected to a node, over all columns: agents that reach a host reach its secrets. */
export function connectedTo(key: string, edges: readonly MapEdge[]): ReadonlySet<string> {
  const found = new Set([key]);
  const walk = (next: (edge: MapEdge, at: string) => string | undefined) => {
    const open = [key];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const edge of edges) {
        const to = next(edge, at);
        if (to === undefined || found.has(to)) continue;
        found.add(to);
        open.push(to);
      }
  };
  walk(({ from, to }, at) => (from === at ? to : undefined));
  walk(({ from, to }, at) => (to === at ? from : undefined));
  return found;
}
