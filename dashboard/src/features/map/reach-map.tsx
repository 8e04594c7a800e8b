import { type KeyboardEvent, useState } from 'react';
import {
  type Column,
  type Focus,
  type MapEdge,
  type MapNode,
  type ReachGraph,
  columns,
  connectedTo,
} from './reach-graph.ts';

interface ReachMapProps {
  readonly graph: ReachGraph;
  readonly focus: Focus | undefined;
  readonly look: (focus: Focus | undefined) => void;
}

const rowHeight = 32;
const mostShown = 60;
const titles = { agent: 'Agents', host: 'Hosts', secret: 'Secrets' } as const;

/** Agents, hosts and secrets in three columns, with lines where a rule connects them. Arrow keys go along them. */
export function ReachMap({ graph, focus, look }: ReachMapProps) {
  const [pointed, setPointed] = useState<string>();
  const lit = pointed === undefined ? undefined : connectedTo(pointed, graph.edges);
  const shown = (column: Column) => graph.nodes[column].slice(0, mostShown);
  const lines = (from: Column, to: Column) => <Lines edges={graph.edges} from={shown(from)} to={shown(to)} lit={lit} />;
  const list = (column: Column) => (
    <div className="map-column">
      <h2>
        {titles[column]} <span className="dim">{graph.nodes[column].length}</span>
      </h2>
      <ul aria-label={titles[column]}>
        {shown(column).map((node) => (
          <li key={node.key}>
            <button
              type="button"
              data-key={node.key}
              className={nodeClass(node, lit)}
              aria-pressed={focus?.column === column && focus.name === node.name}
              title={node.name}
              onClick={() => look(focus?.name === node.name && focus.column === column ? undefined : node)}
              onMouseEnter={() => setPointed(node.key)}
              onMouseLeave={() => setPointed(undefined)}
              onFocus={() => setPointed(node.key)}
              onBlur={() => setPointed(undefined)}
              onKeyDown={(event) => step(event, graph)}
            >
              {node.name}
            </button>
          </li>
        ))}
      </ul>
      {graph.nodes[column].length > mostShown && (
        <p className="dim">{graph.nodes[column].length - mostShown} more: search, or choose one</p>
      )}
      {graph.nodes[column].length === 0 && <p className="dim">none</p>}
    </div>
  );
  return (
    <section className="panel map" aria-label="Map">
      {list('agent')}
      {lines('agent', 'host')}
      {list('host')}
      {lines('host', 'secret')}
      {list('secret')}
    </section>
  );
}

function nodeClass({ key }: MapNode, lit: ReadonlySet<string> | undefined): string {
  if (lit === undefined) return 'node';
  return lit.has(key) ? 'node lit' : 'node faint';
}

interface LinesProps {
  readonly edges: readonly MapEdge[];
  readonly from: readonly MapNode[];
  readonly to: readonly MapNode[];
  readonly lit: ReadonlySet<string> | undefined;
}

function Lines({ edges, from, to, lit }: LinesProps) {
  const height = Math.max(from.length, to.length, 1) * rowHeight;
  const placeIn = (nodes: readonly MapNode[]) =>
    new Map(nodes.map(({ key }, index) => [key, (index + 0.5) * rowHeight]));
  const [begins, ends] = [placeIn(from), placeIn(to)];
  return (
    <svg viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" style={{ height }} aria-hidden="true">
      {edges.map((edge) => {
        const [y1, y2] = [begins.get(edge.from), ends.get(edge.to)];
        if (y1 === undefined || y2 === undefined) return null;
        const state = lit === undefined ? '' : lit.has(edge.from) && lit.has(edge.to) ? ' lit' : ' faint';
        return (
          <path
            key={`${edge.from} ${edge.to}`}
            d={`M0 ${y1}C50 ${y1} 50 ${y2} 100 ${y2}`}
            className={`edge${edge.isDenied ? ' denied' : ''}${state}`}
          />
        );
      })}
    </svg>
  );
}

/** Up and down within a column, left and right along a line. */
function step(event: KeyboardEvent<HTMLButtonElement>, { nodes, edges }: ReachGraph): void {
  const key = event.currentTarget.dataset['key'] ?? '';
  const column = columns.find((one) => key.startsWith(`${one}:`)) ?? 'agent';
  const index = nodes[column].findIndex((node) => node.key === key);
  const next = {
    ArrowUp: nodes[column][index - 1]?.key,
    ArrowDown: nodes[column][index + 1]?.key,
    ArrowRight: edges.find(({ from }) => from === key)?.to,
    ArrowLeft: edges.find(({ to }) => to === key)?.from,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  event.currentTarget
    .closest('.map')
    ?.querySelector<HTMLElement>(`[data-key="${CSS.escape(next)}"]`)
    ?.focus();
}
