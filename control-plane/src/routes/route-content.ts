import { type Binding, bindsSurface } from '@onecli/shared/domain/binding';
import { type RouteBody, surfaceOfInjection } from '@onecli/shared/domain/route';
import { type EntityManager, In } from 'typeorm';
import { SecretEntity } from '../secrets/secret.entity.ts';

/** What a route says, and why it does nothing now; null when it may act. */
export interface RouteContent extends RouteBody {
  readonly problem: string | null;
}

interface Known {
  readonly binding: Binding;
  readonly isDisabled: boolean;
}

/** The contents of some routes, in their order; one query for all their secrets. */
export async function routeContents(manager: EntityManager, bodies: readonly RouteBody[]): Promise<RouteContent[]> {
  const names = [...new Set(bodies.map((body) => body.secret))];
  const secrets = names.length === 0 ? [] : await manager.findBy(SecretEntity, { name: In(names) });
  const known = new Map<string, Known>(secrets.map((secret) => [secret.name, secret]));
  return bodies.map((body) => ({ ...body, problem: problemOf(body, known.get(body.secret)) }));
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

/** A route as admin events tell it. What a template holds beside the secret may be private. */
export function recordedRoute(
  { paths, inject, ...others }: RouteBody,
  fingerprintOf: (part: unknown) => string,
): object {
  return {
    ...others,
    ...(paths.length > 0 && { paths: fingerprintOf(paths) }),
    inject: inject.map((injection) => {
      if ('header' in injection) return { header: told(injection.header) };
      if ('query' in injection) return { query: told(injection.query) };
      return 'path' in injection ? { path: told(injection.path) } : injection;
    }),
  };

  function told<T extends { readonly template: string }>({ template, ...named }: T): object {
    return { ...named, template: fingerprintOf(template) };
  }
}
