import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../../api/connection.ts';
import { parseForm } from '../../api/page-query.ts';
import { adminEventFilterForm } from './admin-event-filter.ts';
import type { AdminEventService } from './admin-event.service.ts';
import type { AdminEventView } from './admin-event-store.ts';
import { AdminEventConnection, AdminEventFilterInput, type AdminEvent, type Outcome } from './admin-event.type.ts';

@Resolver()
export class AdminEventResolver {
  readonly #events: AdminEventService;

  constructor(events: AdminEventService) {
    this.#events = events;
  }

  @Query(() => AdminEventConnection, { description: 'What principals did and were refused, the newest first.' })
  async adminEvents(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => AdminEventFilterInput, { nullable: true }) filter: AdminEventFilterInput | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<AdminEvent>> {
    const found = await this.#events.list(principal, filterOf(filter), pageOf(page));
    return connectionOf(
      found,
      ({ event }) => show(event),
      ({ cursor }) => cursor,
    );
  }
}

function filterOf(given: AdminEventFilterInput | null) {
  const { principal, action, kind, object, outcome, since, until } = given ?? {};
  return parseForm(adminEventFilterForm, {
    principal: principal ?? undefined,
    action: action ?? undefined,
    kind: kind ?? undefined,
    object: object ?? undefined,
    outcome: outcome ?? undefined,
    since: since?.toISOString(),
    until: until?.toISOString(),
  });
}

function show({ detail, outcome, ...view }: AdminEventView): AdminEvent {
  return { ...view, outcome: outcome as Outcome, detail: JSON.stringify(detail) };
}
