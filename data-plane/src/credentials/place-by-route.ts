/**
 * Secrets that a route puts in although the agent sent no placeholder. What the agent sent in their place goes first, so
 * that a made-up key there is no fault; placeholders elsewhere are replaced as ever; then the secrets go in.
 */
import type { Surface } from '@onecli/shared/domain/binding';
import { placeholderFor } from '@onecli/shared/domain/placeholder';
import { type Injection, surfaceOfInjection } from '@onecli/shared/domain/route';
import { isSendableValue } from '../wire/field-syntax.ts';
import type { Header } from '../wire/head.ts';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import { type CompiledRoute, routeCovers } from './compile-routes.ts';
import { bindingCovers, hasExpired, isBound, type UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';
import type { SecretOpener } from './open-secret.ts';
import { decodeOnce, percentEncode } from './percent-encoding.ts';
import { type Placement, placeCredentials } from './place-credentials.ts';
import { asHeaderBytes, isCookieValue } from './place-in-headers.ts';

/** What is asked for, as policy judged it. */
export interface RoutedRequest {
  readonly target: string;
  readonly methods: readonly string[];
  readonly readings: readonly string[];
}

interface Acting extends UsedSecret {
  readonly inject: readonly Injection[];
}

type Placed = Extract<Placement, { kind: 'placed' }>;

/** Replaces the placeholders of a request's head, and applies the routes that are for it. `rules` are those of its host. */
export function placeByRoute(
  headers: readonly Header[],
  request: RoutedRequest,
  rules: object,
  scope: PlacementScope,
  opener: SecretOpener,
): Placement {
  const routes = scope.configuration.routesFor(rules, scope.host, scope.port);
  if (routes.length === 0) return placeCredentials(headers, request.target, scope, opener);
  const acting = routes.flatMap((route) =>
    routeCovers(route, request.methods, request.readings) ? act(route, scope) : [],
  );
  const expired = acting.find(({ secret }) => hasExpired(secret));
  if (expired) return { kind: 'refused', finding: { kind: 'SECRET_EXPIRED', place: placeOf(expired.inject) } };
  let kept: Pick<Placed, 'headers' | 'target'> = { headers, target: request.target };
  for (const { inject } of acting) for (const injection of inject) kept = { ...kept, ...without(kept, injection) };
  const placement = placeCredentials(kept.headers, kept.target, scope, opener);
  if (placement.kind !== 'placed' || acting.length === 0) return placement;
  try {
    return injectAll(placement, acting, opener);
  } catch (cause) {
    return { kind: 'unavailable', cause };
  }
}

/** A route whose secret is not granted, not there or not bound here does nothing, as a whole. */
function act({ secret: name, inject }: CompiledRoute, scope: PlacementScope): Acting[] {
  const secret = scope.grants.has(name) ? scope.configuration.secret(name) : undefined;
  const version = secret?.versions.get(secret.currentVersion);
  if (!secret || secret.isDisabled || !version) return [];
  const { binding } = secret;
  const mayAct = inject.every((injection) => {
    const surface = surfaceOfInjection(injection);
    return surface === undefined ? bindingCovers(binding, scope) : isBound(binding, surface, scope);
  });
  return mayAct ? [{ secret, version, placeholder: placeholderFor(name), inject }] : [];
}

/** Where a route would have put its secret. */
function placeOf(inject: readonly Injection[]): string {
  const [header] = inject.flatMap((injection) => ('header' in injection ? [injection.header.name.toLowerCase()] : []));
  return header ?? 'target';
}

function injectAll(placement: Placed, acting: readonly Acting[], opener: SecretOpener): Placed {
  let { headers, target, readings } = placement;
  const used = [...placement.used];
  const surfaces: Surface[] = [...placement.surfaces];
  for (const { inject, ...one } of acting) {
    const value = opener.open(one.secret, one.version).reveal();
    for (const injection of inject) {
      const kept = without({ headers, target }, injection);
      headers = injectHeader(kept.headers, injection, value, one.secret.name);
      target = injectTarget(kept.target, injection, value);
      const surface = surfaceOfInjection(injection);
      if (surface !== undefined) surfaces.push(surface);
      if (surface === 'path') readings = readAgain(target, one.secret.name);
    }
    if (!used.some(({ version }) => version === one.version)) used.push(one);
  }
  return { kind: 'placed', headers, target, readings, used, surfaces };
}

/** The request without what an injection sets or removes. */
function without(
  { headers, target }: Pick<Placed, 'headers' | 'target'>,
  injection: Injection,
): Pick<Placed, 'headers' | 'target'> {
  const removed = 'remove' in injection ? injection.remove : undefined;
  const header =
    'header' in injection ? injection.header.name : removed && 'header' in removed ? removed.header : undefined;
  const query = 'query' in injection ? injection.query.name : removed && 'query' in removed ? removed.query : undefined;
  const name = header?.toLowerCase();
  return {
    headers: name === undefined ? headers : headers.filter((each) => each.name !== name),
    target: query === undefined ? target : withoutParameter(target, query),
  };
}

function injectHeader(
  headers: readonly Header[],
  injection: Injection,
  value: string,
  secret: string,
): readonly Header[] {
  if (!('header' in injection)) return headers;
  const { name: rawName, template } = injection.header;
  const name = rawName.toLowerCase();
  const bytes = asHeaderBytes(value);
  const filled = fillTemplate(asHeaderBytes(template), bytes);
  if (!isSendableValue(filled) || (name === 'cookie' && !isCookieValue(bytes)))
    throw new Error(`secret ${secret} cannot stand in the header ${name}`);
  return [...headers, { name, rawName, value: filled }];
}

function injectTarget(target: string, injection: Injection, value: string): string {
  const queryAt = target.indexOf('?');
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  const query = queryAt === -1 ? '' : target.slice(queryAt);
  if ('path' in injection) {
    const pieces = injection.path.template.split('{path}');
    return pieces.map((piece) => fillTemplate(piece, percentEncode(value))).join(path) + query;
  }
  if (!('query' in injection)) return target;
  const { name, template } = injection.query;
  const parameter = `${percentEncode(name)}=${percentEncode(fillTemplate(template, value))}`;
  return query === '' || query === '?' ? `${path}?${parameter}` : `${target}&${parameter}`;
}

function fillTemplate(template: string, value: string): string {
  return template.split('{secret}').join(value);
}

function withoutParameter(target: string, name: string): string {
  const queryAt = target.indexOf('?');
  if (queryAt === -1) return target;
  const parameters = target.slice(queryAt + 1).split('&');
  const kept = parameters.filter((parameter) => {
    const [rawName = ''] = parameter.split('=', 1);
    return Buffer.from(decodeOnce(rawName.replaceAll('+', ' ')), 'latin1').toString('utf8') !== name;
  });
  if (kept.length === parameters.length) return target;
  return target.slice(0, queryAt) + (kept.length > 0 ? `?${kept.join('&')}` : '');
}

function readAgain(target: string, secret: string): readonly string[] {
  const parsed = parseTarget(target);
  if (parsed.kind === 'fault') throw new Error(`secret ${secret} cannot stand in this path: ${parsed.detail}`);
  return parsed.readings;
}
