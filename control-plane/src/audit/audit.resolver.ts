import { Arg, Args, Ctx, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { GraphqlContext, SubscriptionArguments } from '../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { parseForm } from '../api/page-query.ts';
import { writeAuditCursor } from './audit-cursor.ts';
import { type AuditFilter, auditFilterForm } from './audit-filter.ts';
import type { AuditService } from './audit.service.ts';
import type { AuditView } from './audit-store.ts';
import { type AuditEvent, AuditEventConnection, AuditFilterInput, Decision, FollowedAuditEvent } from './audit.type.ts';

@Resolver()
export class AuditResolver {
  readonly #audit: AuditService;

  constructor(audit: AuditService) {
    this.#audit = audit;
  }

  @Query(() => AuditEventConnection, { description: 'The requests of agents, the newest first.' })
  async auditEvents(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => AuditFilterInput, { nullable: true }) filter: AuditFilterInput | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<AuditEvent>> {
    return connectionOf(
      await this.#audit.list(principal, auditFilterOf(filter), pageOf(page)),
      showAuditEvent,
      cursorOf,
    );
  }

  @Subscription(() => FollowedAuditEvent, {
    description:
      'Each event once, in the order in which they are written: after the event of a cursor, or from now on.',
    subscribe: ({ args, context }: SubscriptionArguments<AuditFollowing>) =>
      context.services.audit.follow(
        () => context.principal,
        auditFilterOf(args.filter ?? null),
        args.after ?? undefined,
      ),
  })
  auditEventWritten(
    @Root() view: AuditView,
    @Arg('filter', () => AuditFilterInput, { nullable: true }) _filter: AuditFilterInput | null,
    @Arg('after', () => String, { nullable: true, description: 'The cursor of an event, of this or of `auditEvents`.' })
    _after: string | null,
  ): FollowedAuditEvent {
    return { cursor: cursorOf(view), node: showAuditEvent(view) };
  }
}

interface AuditFollowing {
  readonly filter?: AuditFilterInput | null;
  readonly after?: string | null;
}

/** The filter as the service takes it. @throws Fault INVALID */
export function auditFilterOf(given: AuditFilterInput | null): AuditFilter {
  const { agent, host, decision, reason, hasFindings, hasFailed, since, until } = given ?? {};
  return parseForm(auditFilterForm, {
    agent: agent ?? undefined,
    host: host ?? undefined,
    decision: decision ?? undefined,
    reason: reason ?? undefined,
    hasFindings: hasFindings?.toString(),
    hasFailed: hasFailed?.toString(),
    since: since?.toISOString(),
    until: until?.toISOString(),
  });
}

/** The place of an event in the list. */
export function cursorOf({ time, id }: AuditView): string {
  return writeAuditCursor({ timeMs: time.getTime(), id });
}

const decisionOf = { allow: Decision.ALLOW, deny: Decision.DENY } as const;

export function showAuditEvent(view: AuditView): AuditEvent {
  return { ...view, decision: decisionOf[view.decision], secrets: [...view.secrets], findings: [...view.findings] };
}
