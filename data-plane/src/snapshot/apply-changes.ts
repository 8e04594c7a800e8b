import type { AgentIdentity } from '@onecli/shared/domain/identity';
import type { Policy, PolicyBody } from '@onecli/shared/domain/policy';
import type { Route, RouteBody } from '@onecli/shared/domain/route';
import type { Snapshot } from '@onecli/shared/domain/snapshot';
import type { ConfigChanges, SealedAgent, SealedPolicy, SealedRoute } from '@onecli/shared/ports/snapshot-source';

/** What opens the sealed parts of rows. */
export interface Openers {
  /** A policy's body; throws when it was altered or moved. */
  readonly openBody: (policy: SealedPolicy) => PolicyBody;
  /** A route's body; throws when it was altered or moved. */
  readonly openRoute: (route: SealedRoute) => RouteBody;
  /** An agent's identities; none where they were altered or moved, for nobody is recognised by those. */
  readonly openIdentities: (agent: SealedAgent) => readonly AgentIdentity[];
}

/**
 * The next snapshot: the previous one and what changed since. Pure; the previous one is not touched. A policy or a
 * route that does not open makes the whole change throw: a snapshot without one of its deny rules would allow too much.
 */
export function applyChanges(
  previous: Snapshot | undefined,
  changes: ConfigChanges,
  { openBody, openRoute, openIdentities }: Openers,
): Snapshot {
  const base = changes.isWhole ? undefined : previous;
  const removed = new Set(changes.removedIds);
  const changed = new Set([
    ...removed,
    ...changes.secrets.map(({ id }) => id),
    ...changes.policies.map(({ id }) => id),
    ...changes.routes.map(({ id }) => id),
  ]);
  const authority = changes.authority ?? base?.authority;
  if (!authority) throw new Error('the configuration has no certificate authority');
  const agents = new Map(base?.agents);
  for (const id of removed) agents.delete(id);
  for (const { sealedIdentities, ...agent } of changes.agents)
    agents.set(agent.id, { ...agent, identities: openIdentities({ ...agent, sealedIdentities }) });
  return {
    revision: changes.revision,
    agents,
    secrets: merge(base?.secrets, changes.secrets, changed),
    policies: merge(
      base?.policies,
      changes.policies.map((policy): Policy => ({ id: policy.id, name: policy.name, ...openBody(policy) })),
      changed,
    ),
    routes: merge(
      base?.routes,
      changes.routes.map((route): Route => ({ id: route.id, name: route.name, ...openRoute(route) })),
      changed,
    ),
    authority,
    clientAuthority: changes.clientAuthority ?? base?.clientAuthority,
  };
}

/** Rows by name; a row that changed may have had another name before, so it leaves by its id. */
function merge<Row extends { readonly id: string; readonly name: string }>(
  before: ReadonlyMap<string, Row> | undefined,
  rows: readonly Row[],
  changedIds: ReadonlySet<string>,
): ReadonlyMap<string, Row> {
  const after = new Map<string, Row>();
  for (const [name, row] of before ?? []) if (!changedIds.has(row.id)) after.set(name, row);
  for (const row of rows) after.set(row.name, row);
  return after;
}
