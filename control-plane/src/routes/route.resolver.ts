import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { ListFilter, filterOf } from '../api/list-filter.ts';
import {
  ObjectArguments,
  UpsertArguments,
  WriteArguments,
  conditionsOf,
  refOf,
  upsertOptions,
} from '../api/object-arguments.ts';
import { upsertInput } from '../api/without-nulls.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { RouteService, RouteView } from './route.service.ts';
import { type Injection, Route, RouteConnection, RouteInput, RoutePayload } from './route.type.ts';

@Resolver()
export class RouteResolver {
  readonly #routes: RouteService;

  constructor(routes: RouteService) {
    this.#routes = routes;
  }

  @Query(() => RouteConnection, { description: 'Routes, in the order of their names.' })
  async routes(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => ListFilter, { nullable: true }) filter: ListFilter | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Route>> {
    const request = { ...pageOf(page), ...filterOf(filter) };
    return connectionOf(await this.#routes.list(principal, request), show, ({ name }) => name);
  }

  @Query(() => Route, { nullable: true })
  route(@Args(() => ObjectArguments) asked: ObjectArguments, @Ctx() { principal }: GraphqlContext) {
    return orNull(async () => show(await this.#routes.get(principal, refOf(asked))));
  }

  @Mutation(() => RoutePayload, { description: 'Makes a route, or brings it to what is given.' })
  upsertRoute(
    @Arg('input', () => RouteInput) input: RouteInput,
    @Args(() => UpsertArguments) asked: UpsertArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RoutePayload> {
    return payloadOf(async () =>
      showWritten(await this.#routes.upsert(principal, upsertInput(input), upsertOptions(asked))),
    );
  }

  @Mutation(() => RemovalPayload)
  deleteRoute(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#routes.remove(principal, refOf(asked), conditionsOf(asked)));
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
