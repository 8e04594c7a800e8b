import { type Binding, bindsSurface } from '@onecli/shared/domain/binding';
import { type RouteBody, surfaceOfInjection } from '@onecli/shared/domain/route';
import { type EntityManager, In } from 'typeorm';
import { SecretEntity } from '../secrets/secret.entity.ts';
import type { RouteRow } from './route.entity.ts';

/** A route as it is shown. */
export interface RouteView extends RouteBody {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** Why it does nothing now; null when it may act. */
  readonly problem: string | null;
  /** The source of configuration as code that made it; null when it was made by hand. */
  readonly managedBy: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface Known {
  readonly binding: Binding;
  readonly isDisabled: boolean;
}

/** The views of some routes, in their order; one query for all their secrets. */
export async function viewRoutes(
  manager: EntityManager,
  routes: readonly { readonly row: RouteRow; readonly body: RouteBody }[],
): Promise<RouteView[]> {
  const names = [...new Set(routes.map(({ body }) => body.secret))];
  const secrets = names.length === 0 ? [] : await manager.findBy(SecretEntity, { name: In(names) });
  const known = new Map<string, Known>(secrets.map((secret) => [secret.name, secret]));
  return routes.map(({ row: { id, name, version, managedBy, createdAt, updatedAt }, body }) => {
    const problem = problemOf(body, known.get(body.secret));
    return { id, name, version, ...body, problem, managedBy, createdAt, updatedAt };
  });
}

function problemOf({ inject, secret: name }: RouteBody, secret: Known | undefined): string | null {
  if (secret === undefined) return `There is no secret ${name}`;
  if (secret.isDisabled) return `The secret ${name} is disabled`;
  if (secret.binding.hosts.length === 0) return `The secret ${name} is bound to no host`;
  for (const injection of inject) {
    const surface = surfaceOfInjection(injection);
    if (surface !== undefined && !bindsSurface(secret.binding, surface))
      return `The secret ${name} is not bound to the surface ${surface}`;
  }
  return null;
}
