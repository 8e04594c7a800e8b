/**
 * A route puts a secret into requests to its hosts although the agent sent no placeholder. It acts only for an agent whose
 * rule grants the secret, on hosts and surfaces of the secret's binding. Templates hold `{secret}`; a path's may hold
 * `{path}`, the path that the agent asked for.
 */
export interface Route {
  readonly id: string;
  readonly name: string;
  /** The secret's name. */
  readonly secret: string;
  /** Host patterns; see host-pattern.ts. Never empty. */
  readonly hosts: readonly string[];
  /** Path patterns of what the agent asks for; none means every path. */
  readonly paths: readonly string[];
  /** HTTP methods in upper case; none means every method. */
  readonly methods: readonly string[];
  readonly inject: readonly Injection[];
}

/** One thing that a route does. What the agent sent under the same name is replaced, once. */
export type Injection =
  | { readonly header: { readonly name: string; readonly template: string } }
  | { readonly query: { readonly name: string; readonly template: string } }
  | { readonly path: { readonly template: string } }
  | { readonly remove: { readonly header: string } | { readonly query: string } };

/** The part of a route that is sealed at rest. */
export type RouteBody = Omit<Route, 'id' | 'name'>;

/** The surface on which an injection places its secret; undefined for a removal. */
export function surfaceOfInjection(injection: Injection): 'header' | 'cookie' | 'query' | 'path' | undefined {
  if ('header' in injection) return injection.header.name.toLowerCase() === 'cookie' ? 'cookie' : 'header';
  if ('query' in injection) return 'query';
  return 'path' in injection ? 'path' : undefined;
}
