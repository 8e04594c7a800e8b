import { Args, Ctx, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { pageOf } from '../api/page-arguments.ts';
import { parseForm } from '../api/page-query.ts';
import { auditFilterForm } from './audit-filter.ts';
import type { AuditService } from './audit.service.ts';
import type { AuditView } from './audit-store.ts';
import { AuditArguments, type AuditEvent, AuditEventPage, Decision } from './audit.type.ts';

@Resolver()
export class AuditResolver {
  readonly #audit: AuditService;

  constructor(audit: AuditService) {
    this.#audit = audit;
  }

  @Query(() => AuditEventPage, { description: 'The requests of agents, the newest first.' })
  async auditEvents(
    @Args(() => AuditArguments) asked: AuditArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuditEventPage> {
    const { items, next } = await this.#audit.list(principal, filterOf(asked), pageOf(asked));
    return { items: items.map(show), next };
  }
}

function filterOf({ agent, host, decision, since, until }: AuditArguments) {
  return parseForm(auditFilterForm, {
    agent: agent ?? undefined,
    host: host ?? undefined,
    decision: decision ?? undefined,
    since: since?.toISOString(),
    until: until?.toISOString(),
  });
}

const decisionOf = { allow: Decision.ALLOW, deny: Decision.DENY } as const;

function show(view: AuditView): AuditEvent {
  return { ...view, decision: decisionOf[view.decision], secrets: [...view.secrets], findings: [...view.findings] };
}
