import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { PageArguments, pageOf } from '../api/page-arguments.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { RouteService, RouteView } from './route.service.ts';
import { type Injection, NewRouteInput, Route, RouteContentInput, RoutePage, RoutePayload } from './route.type.ts';

@Resolver()
export class RouteResolver {
  readonly #routes: RouteService;

  constructor(routes: RouteService) {
    this.#routes = routes;
  }

  @Query(() => RoutePage)
  async routes(
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RoutePage> {
    const { items, next = null } = await this.#routes.list(principal, pageOf(page));
    return { items: items.map(show), next };
  }

  @Query(() => Route, { nullable: true })
  route(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<Route | null> {
    return orNull(async () => show(await this.#routes.get(principal, name)));
  }

  @Mutation(() => RoutePayload)
  createRoute(
    @Arg('input', () => NewRouteInput) input: NewRouteInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RoutePayload> {
    return payloadOf(async () => showWritten(await this.#routes.create(principal, input)));
  }

  @Mutation(() => RoutePayload)
  replaceRoute(
    @Arg('name', () => String) name: string,
    @Arg('input', () => RouteContentInput) input: RouteContentInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RoutePayload> {
    return payloadOf(async () => showWritten(await this.#routes.replace(principal, name, input)));
  }

  @Mutation(() => RemovalPayload)
  deleteRoute(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#routes.remove(principal, name));
  }
}

function show(view: RouteView): Route {
  const { hosts, paths, methods, inject } = view;
  return { ...view, hosts: [...hosts], paths: [...paths], methods: [...methods], inject: inject.map(showInjection) };
}

function showInjection(injection: RouteView['inject'][number]): Injection {
  const nothing = { header: null, query: null, path: null, remove: null };
  if (!('remove' in injection)) return { ...nothing, ...injection };
  return { ...nothing, remove: { header: null, query: null, ...injection.remove } };
}

function showWritten({ object, ...written }: Written<RouteView>) {
  return { ...written, object: show(object) };
}
