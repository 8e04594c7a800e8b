import { Args, Ctx, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../api/graphql-context.ts';
import { pageOf } from '../../api/page-arguments.ts';
import { parseForm } from '../../api/page-query.ts';
import { adminEventFilterForm } from './admin-event-filter.ts';
import type { AdminEventService } from './admin-event.service.ts';
import type { AdminEventView } from './admin-event-store.ts';
import { AdminEventArguments, type AdminEvent, AdminEventPage, type Outcome } from './admin-event.type.ts';

@Resolver()
export class AdminEventResolver {
  readonly #events: AdminEventService;

  constructor(events: AdminEventService) {
    this.#events = events;
  }

  @Query(() => AdminEventPage, { description: 'What principals did and were refused, the newest first.' })
  async adminEvents(
    @Args(() => AdminEventArguments) asked: AdminEventArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AdminEventPage> {
    const { items, next } = await this.#events.list(principal, filterOf(asked), pageOf(asked));
    return { items: items.map(show), next };
  }
}

function filterOf({ principal, action, kind, object, outcome, since, until }: AdminEventArguments) {
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
