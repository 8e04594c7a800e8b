import { Button } from '@mantine/core';
import { Link, useSearchParams } from 'react-router';
import { Loading } from '../../ui/loading.tsx';
import type { ReachRuleFragment } from '../../gql/graphql.ts';
import { DataTable } from '../../ui/data-table.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { SearchText } from '../../ui/search-text.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';
import './map.css';
import { type Column, type Focus, columns, reachGraph } from './reach-graph.ts';
import { ReachMap } from './reach-map.tsx';
import { useReach } from './use-reach.ts';

/** Who may reach what, as a map and rule by rule. What is looked at is in the address. */
export function MapScreen() {
  const [parameters, setParameters] = useSearchParams();
  const text = parameters.get('q') ?? '';
  const focus = focusOf(parameters);
  const { rules, isLoading, isCut, error } = useReach(filterOf(focus));
  const shown = rules.filter((rule) => isMeant(rule, focus, text.toLowerCase()));
  const look = (next: Focus | undefined) => setParameters(next === undefined ? {} : { [next.column]: next.name });
  return (
    <div className="stack">
      <div className="head map-head">
        <h1>Who may reach what</h1>
        <search className="filters">
          <SearchText
            label="Agent, host or secret"
            value={text}
            change={(q) => setParameters(q === '' ? {} : { q }, { replace: true })}
          />
          {focus !== undefined && <FocusSign focus={focus} clear={() => look(undefined)} />}
        </search>
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {isCut && !isLoading && (
        <p className="note">
          These are the first {rules.length} rules. Choose an agent, a host or a secret to see all that are about it.
        </p>
      )}
      {isLoading && rules.length === 0 && <Loading />}
      {!isLoading && shown.length === 0 && error === undefined && (
        <Nothing isAll={focus === undefined && text === ''} />
      )}
      {shown.length > 0 && <ReachMap graph={reachGraph(shown, focus)} focus={focus} look={look} />}
      {shown.length > 0 && <RuleTable rules={shown} />}
    </div>
  );
}

function Nothing({ isAll }: { readonly isAll: boolean }) {
  if (!isAll) return <EmptyState title="No rule is about that">Nothing may reach it: silence means deny.</EmptyState>;
  return (
    <EmptyState title="No rule yet">
      Nothing may reach anything: silence means deny. <Link to="/new/policy">Make a policy</Link>
    </EmptyState>
  );
}

function FocusSign({ focus, clear }: { readonly focus: Focus; readonly clear: () => void }) {
  const page = focus.column === 'host' ? '/activity?host=' : `/${focus.column}s/`;
  return (
    <>
      <button type="button" className="chip" onClick={clear} title="Show everything again">
        {focus.column} <b>{focus.name}</b> <span aria-hidden="true">×</span>
      </button>
      <Button component={Link} to={page + encodeURIComponent(focus.name)} variant="default" size="xs">
        {focus.column === 'host' ? 'Its requests' : `Open the ${focus.column}`}
      </Button>
    </>
  );
}

function RuleTable({ rules }: { readonly rules: readonly ReachRuleFragment[] }) {
  return (
    <section className="panel table">
      <DataTable
        caption="Rule by rule"
        rows={rules}
        rowKey={({ rule }) => rule}
        columns={[
          { head: 'Rule', cell: ({ rule }) => <RuleLink rule={rule} /> },
          {
            head: 'Effect',
            cell: ({ effect, isMonitored }) => (
              <>
                <span className={`tag ${effect === 'ALLOW' ? 'allow' : 'deny'}`}>
                  {effect === 'ALLOW' ? 'Allow' : 'Deny'}
                </span>
                {isMonitored && <span className="tag warn">Monitor</span>}
              </>
            ),
          },
          { head: 'Agents', cell: agentsText },
          { head: 'Hosts', kind: 'mono', cell: ({ hosts }) => hosts.join(', ') },
          {
            head: 'Methods and paths',
            kind: 'mono',
            isMinor: true,
            cell: ({ methods, paths }) => [...methods, ...paths].join(' ') || <span className="dim">all</span>,
          },
          { head: 'Secrets', kind: 'mono', isMinor: true, cell: ({ secrets }) => secrets.join(', ') },
        ]}
      />
    </section>
  );
}

function agentsText({ agents, agentCount }: ReachRuleFragment): string {
  if (agentCount === 0) return 'none now';
  const more = agentCount - agents.length;
  return agents.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function focusOf(parameters: URLSearchParams): Focus | undefined {
  const column = columns.find((one) => parameters.has(one));
  return column === undefined ? undefined : { column, name: parameters.get(column) ?? '' };
}

/** What the API can look for: of hosts those that are no pattern. */
function filterOf(focus: Focus | undefined): Partial<Record<Column, string>> & { readonly port?: number } {
  if (focus === undefined || (focus.column === 'host' && focus.name.includes('*'))) return {};
  if (focus.column !== 'host') return { [focus.column]: focus.name };
  const [, host = focus.name, port] = /^(.*?)(?::(\d+))?$/.exec(focus.name) ?? [];
  return { host, ...(port !== undefined && { port: Number(port) }) };
}

function isMeant({ agents, hosts, secrets }: ReachRuleFragment, focus: Focus | undefined, text: string): boolean {
  const isPattern = focus?.column === 'host' && focus.name.includes('*');
  if (isPattern && !hosts.includes(focus.name)) return false;
  return text === '' || [...agents, ...hosts, ...secrets].some((name) => name.toLowerCase().includes(text));
}
