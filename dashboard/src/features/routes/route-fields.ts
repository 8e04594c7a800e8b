import type { InjectionInput, RouteInput, RouteRowFragment } from '../../gql/graphql.ts';
import { listOf, listText } from '../../ui/text-list.ts';

/** What a route can do to a request, and what has to be told for it. */
export const injectionKinds = {
  header: { label: 'Set a header', hasName: true, hasTemplate: true },
  query: { label: 'Set a query parameter', hasName: true, hasTemplate: true },
  path: { label: 'Change the path', hasName: false, hasTemplate: true },
  removeHeader: { label: 'Remove a header', hasName: true, hasTemplate: false },
  removeQuery: { label: 'Remove a query parameter', hasName: true, hasTemplate: false },
} as const;

export interface InjectionFields {
  readonly kind: keyof typeof injectionKinds;
  readonly name: string;
  readonly template: string;
}

export interface RouteFields {
  readonly secret: string;
  readonly hosts: string;
  readonly paths: string;
  readonly methods: string;
  readonly inject: readonly InjectionFields[];
}

export const newInjection: InjectionFields = { kind: 'header', name: 'Authorization', template: 'Bearer {secret}' };

export const emptyRoute: RouteFields = { secret: '', hosts: '', paths: '', methods: '', inject: [newInjection] };

export function routeFields({ secret, hosts, paths, methods, inject }: RouteRowFragment): RouteFields {
  return {
    secret,
    hosts: hosts.join(', '),
    paths: listText(paths),
    methods: methods.join(', '),
    inject: inject.map(injectionFields),
  };
}

export function routeInput({ secret, hosts, paths, methods, inject }: RouteFields): RouteInput {
  return {
    secret: secret.trim(),
    hosts: listOf(hosts),
    paths: listOf(paths),
    methods: listOf(methods.toUpperCase()),
    inject: inject.map(injectionInput),
  };
}

type Injection = RouteRowFragment['inject'][number];

function injectionFields({ header, query, path, remove }: Injection): InjectionFields {
  if (header !== null) return { kind: 'header', name: header.name, template: header.template };
  if (query !== null) return { kind: 'query', name: query.name, template: query.template };
  if (path !== null) return { kind: 'path', name: '', template: path.template };
  return remove?.header == null
    ? { kind: 'removeQuery', name: remove?.query ?? '', template: '' }
    : { kind: 'removeHeader', name: remove.header, template: '' };
}

function injectionInput({ kind, name: given, template }: InjectionFields): InjectionInput {
  const name = given.trim();
  if (kind === 'path') return { path: { template } };
  if (kind === 'removeHeader') return { remove: { header: name } };
  if (kind === 'removeQuery') return { remove: { query: name } };
  return { [kind]: { name, template } };
}

/** What it does to a request, in a few words. */
export function injectionText(injection: Injection): string {
  const { kind, name, template } = injectionFields(injection);
  if (kind === 'header') return `${name}: ${template}`;
  if (kind === 'query') return `?${name}=${template}`;
  return kind === 'path' ? template : `without ${kind === 'removeHeader' ? name : `?${name}`}`;
}
