import type { AgentIdentity } from '@onecli/shared/domain/identity';
import type { Policy, PolicyBody } from '@onecli/shared/domain/policy';
import type { Route, RouteBody } from '@onecli/shared/domain/route';
import type { AgentRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import type { ConfigChanges, SealedAgent, SealedPolicy, SealedRoute } from '@onecli/shared/ports/snapshot-source';
import { LayeredMap } from './layered-map.ts';

/** What opens the sealed parts of rows. */
export interface Openers {
  /** A policy's body; throws when it was altered or moved. */
  readonly openBody: (policy: SealedPolicy) => PolicyBody;
  /** A route's body; throws when it was altered or moved. */
  readonly openRoute: (route: SealedRoute) => RouteBody;
  /** An agent's identities; none where they were altered or moved, for nobody is recognised by those. */
  readonly openIdentities: (agent: SealedAgent) => readonly AgentIdentity[];
  /** Whether an agent's row is as a control plane wrote it. */
  readonly isBelieved: (agent: SealedAgent) => boolean;
}

/**
 * The next snapshot: the previous one and what changed since. Pure; the previous one is not touched. A policy or a
 * route that does not open makes the whole change throw: a snapshot without one of its deny rules would allow too much.
 */
export function applyChanges(previous: Snapshot | undefined, changes: ConfigChanges, openers: Openers): Snapshot {
  const { openBody, openRoute } = openers;
  const base = changes.isWhole ? undefined : previous;
  const removed = new Set(changes.removedIds);
  const authority = changes.authority ?? base?.authority;
  if (!authority) throw new Error('the configuration has no certificate authority');
  const agents = changes.agents.map((agent) => openAgent(agent, openers));
  return {
    revision: changes.revision,
    agents: agentsAfter(base?.agents, agents, removed),
    secrets: merge(base?.secrets, changes.secrets, removed),
    policies: merge(
      base?.policies,
      changes.policies.map((policy): Policy => ({ id: policy.id, name: policy.name, ...openBody(policy) })),
      removed,
    ),
    routes: merge(
      base?.routes,
      changes.routes.map((route): Route => ({ id: route.id, name: route.name, ...openRoute(route) })),
      removed,
    ),
    authority,
    otherAuthorities: changes.otherAuthorities ?? base?.otherAuthorities ?? [],
    clientAuthorities: changes.clientAuthorities ?? base?.clientAuthorities ?? [],
  };
}

/** One whose row was altered is recognised by nothing, whatever its name and its labels say now. */
function openAgent(agent: SealedAgent, { openIdentities, isBelieved }: Openers): AgentRecord {
  const { id, name, labels, isDisabled } = agent;
  if (!isBelieved(agent)) return { id, name, labels, isDisabled: true, tokens: [], identities: [] };
  return { id, name, labels, isDisabled, tokens: agent.tokens, identities: openIdentities(agent) };
}

/** Agents by their ids. The very map that was there before when none of them changed. */
function agentsAfter(
  before: ReadonlyMap<string, AgentRecord> | undefined,
  agents: readonly AgentRecord[],
  removedIds: ReadonlySet<string>,
): ReadonlyMap<string, AgentRecord> {
  const entries = agents.map((agent) => [agent.id, agent] as const);
  if (before === undefined) return LayeredMap.of(entries);
  return layered(before).with([...[...removedIds].map((id) => [id, undefined] as const), ...entries]);
}

/**
 * Rows by name; a row that changed may have had another name before, so that one which is not there by its name is looked for by
 * its id. The very map that was there before when none of them changed.
 */
function merge<Row extends { readonly id: string; readonly name: string }>(
  before: ReadonlyMap<string, Row> | undefined,
  rows: readonly Row[],
  removedIds: ReadonlySet<string>,
): ReadonlyMap<string, Row> {
  const entries = rows.map((row) => [row.name, row] as const);
  if (before === undefined) return LayeredMap.of(entries);
  const elsewhere = new Set(removedIds);
  for (const row of rows) if (before.get(row.name)?.id !== row.id) elsewhere.add(row.id);
  const edits = new Map<string, Row | undefined>();
  if (elsewhere.size > 0) for (const row of before.values()) if (elsewhere.has(row.id)) edits.set(row.name, undefined);
  for (const [name, row] of entries) edits.set(name, row);
  return layered(before).with(edits);
}

function layered<V extends object>(map: ReadonlyMap<string, V>): LayeredMap<string, V> {
  return map instanceof LayeredMap ? (map as LayeredMap<string, V>) : LayeredMap.of(map);
}
