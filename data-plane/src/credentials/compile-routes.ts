import { type HostPattern, hostPatternCovers, parseHostPattern } from '@onecli/shared/domain/host-pattern';
import { parsePathPattern } from '@onecli/shared/domain/path-pattern';
import type { Injection, Route } from '@onecli/shared/domain/route';

/** A route with its patterns parsed. One that does not parse covers nothing. */
export interface CompiledRoute {
  readonly secret: string;
  readonly inject: readonly Injection[];
  readonly hosts: readonly HostPattern[];
  /** Undefined: every path. */
  readonly paths: readonly ((path: string) => boolean)[] | undefined;
  /** Undefined: every method. */
  readonly methods: ReadonlySet<string> | undefined;
}

const webPorts = [443, 80];

/** All routes of a snapshot, in the order of their names: where two set the same thing, the later one does. */
export function compileRoutes(routes: Iterable<Route>): readonly CompiledRoute[] {
  return [...routes].sort((a, b) => (a.name < b.name ? -1 : 1)).map(compileRoute);
}

/** Those for a canonical host and port; asked once for a tunnel. */
export function routesForHost(routes: readonly CompiledRoute[], host: string, port: number): readonly CompiledRoute[] {
  return routes.filter(({ hosts }) => hosts.some((pattern) => hostPatternCovers(pattern, host, port, webPorts)));
}

/** Whether a route is for a request: for all of its methods and for every way in which its path may be read. */
export function routeCovers(route: CompiledRoute, methods: readonly string[], readings: readonly string[]): boolean {
  const { paths, methods: covered } = route;
  if (covered && !methods.every((method) => covered.has(method))) return false;
  return !paths || readings.every((path) => paths.some((covers) => covers(path)));
}

function compileRoute({ secret, inject, hosts, paths, methods }: Route): CompiledRoute {
  return {
    secret,
    inject,
    hosts: hosts.flatMap((text) => {
      const parsed = parseHostPattern(text);
      return parsed.kind === 'pattern' ? [parsed.pattern] : [];
    }),
    paths: paths.length === 0 ? undefined : paths.map(coverOf),
    methods: methods.length === 0 ? undefined : new Set(methods),
  };
}

function coverOf(text: string): (path: string) => boolean {
  const parsed = parsePathPattern(text);
  return parsed.kind === 'pattern' ? parsed.covers : () => false;
}
