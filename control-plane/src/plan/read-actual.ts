import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { EntityManager } from 'typeorm';
import type { AgentService } from '../agents/agent.service.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import type { RouteService } from '../routes/route.service.ts';
import type { SecretService } from '../secrets/secret.service.ts';
import { plain } from './config-document.ts';
import type { ActualObject, DesiredObject, ObjectKind } from './planned-change.ts';

/** The services whose objects a configuration has. */
export interface PlannedServices {
  readonly secrets: SecretService;
  readonly agents: AgentService;
  readonly policies: PolicyService;
  readonly routes: RouteService;
}

interface Seen {
  readonly id: string;
  readonly name: string;
  readonly managedBy: string | null;
  readonly revision: number;
  readonly updatedAt: Date;
}

/** The objects that a configuration names, and those of its source, in the form in which a person writes them. */
export async function readActual(
  manager: EntityManager,
  { secrets, agents, policies, routes }: PlannedServices,
  desired: readonly DesiredObject[],
  managedBy: string | undefined,
): Promise<ActualObject[]> {
  const selected = (kind: ObjectKind) => ({
    names: desired.filter((object) => object.kind === kind).map(({ name }) => name),
    managedBy,
  });
  const secretViews = await secrets.viewsIn(manager, selected('secret'));
  const agentViews = await agents.viewsIn(manager, selected('agent'));
  const policyViews = await policies.viewsIn(manager, selected('policy'));
  const routeViews = await routes.viewsIn(manager, selected('route'));
  return [
    ...secretViews.map((view) => {
      const { description, binding, leaseSeconds, isDisabled: disabled, fingerprint } = view;
      const alias = view.alias === null ? null : { prefix: splitAlias(view.alias).prefix };
      return { ...actual('secret', view, { description, binding, alias, leaseSeconds, disabled }), fingerprint };
    }),
    ...agentViews.map((view) => {
      const { labels, identities, isDisabled: disabled } = view;
      return actual('agent', view, { labels, identities, disabled });
    }),
    ...policyViews.map((view) => {
      const { agents: selectors, mode, rules } = view;
      return actual('policy', view, { agents: selectors, mode, rules });
    }),
    ...routeViews.map((view) => {
      const { secret, hosts, paths, methods, inject } = view;
      return actual('route', view, { secret, hosts, paths, methods, inject });
    }),
  ];
}

function actual(kind: ObjectKind, { id, name, managedBy, revision, updatedAt }: Seen, fields: object): ActualObject {
  const stamp = `${revision} ${updatedAt.toISOString()}`;
  return { kind, id, name, managedBy, stamp, fields: plain(fields) };
}
