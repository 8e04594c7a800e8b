import { Arg, Args, Ctx, ID, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import { type Connection, ConnectionArguments, pageOf } from '../api/connection.ts';
import type { GraphqlContext, SubscriptionArguments } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { payloadOf } from '../api/write-payload.ts';
import type { ShownApproval as ApprovalView } from './rule-now.ts';
import type { ApprovalPage, ApprovalService, DecidedApproval } from './approval.service.ts';
import { Approval, ApprovalConnection, ApprovalPayload, ApprovalState } from './approval.type.ts';

@Resolver()
export class ApprovalResolver {
  readonly #approvals: ApprovalService;

  constructor(approvals: ApprovalService) {
    this.#approvals = approvals;
  }

  @Query(() => ApprovalConnection, { description: 'What agents asked persons to approve, the newest first.' })
  async approvals(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('states', () => [ApprovalState], { nullable: true, description: 'All, when it is absent.' })
    states: ApprovalState[] | null,
    @Arg('agent', () => String, { nullable: true, description: 'Of one agent, by its name.' }) agent: string | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Approval>> {
    const filter = { states: states ?? undefined, agent: agent ?? undefined };
    return connectionFrom(await this.#approvals.list(principal, { ...pageOf(page), ...filter }));
  }

  @Query(() => Approval, { nullable: true })
  approval(@Arg('id', () => ID) id: string, @Ctx() { principal }: GraphqlContext): Promise<Approval | null> {
    return orNull(async () => show(await this.#approvals.get(principal, id)));
  }

  @Mutation(() => ApprovalPayload, {
    description: 'Lets the agent do what it asked for, for some minutes; one that is approved is approved anew.',
  })
  approve(
    @Arg('id', () => ID) id: string,
    @Arg('minutes', () => Int, { defaultValue: 60, description: '1 to 10,080, a week.' }) minutes: number,
    @Arg('wholeRule', () => Boolean, {
      defaultValue: false,
      description: 'All that the rule covers, and not that method and path at that host alone.',
    })
    wholeRule: boolean,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<ApprovalPayload> {
    return payloadOf(async () => showDecided(await this.#approvals.approve(principal, id, { minutes, wholeRule })));
  }

  @Mutation(() => ApprovalPayload, {
    description: 'Says no: for an hour nobody is asked again. What was approved ends.',
  })
  deny(@Arg('id', () => ID) id: string, @Ctx() { principal }: GraphqlContext): Promise<ApprovalPayload> {
    return payloadOf(async () => showDecided(await this.#approvals.deny(principal, id)));
  }

  @Mutation(() => ApprovalPayload, { description: 'Ends what was approved or denied: the agent may ask again.' })
  endApproval(@Arg('id', () => ID) id: string, @Ctx() { principal }: GraphqlContext): Promise<ApprovalPayload> {
    return payloadOf(async () => showDecided(await this.#approvals.end(principal, id)));
  }

  @Subscription(() => [Approval], {
    description:
      'The first 200 approvals that wait for a decision, ten of an agent at most, now and whenever they are others.',
    subscribe: ({ context }: SubscriptionArguments<object>) =>
      context.services.approvals.follow(() => context.principal),
  })
  approvalsPending(@Root() pending: ApprovalView[]): Approval[] {
    return pending.map(show);
  }
}

function connectionFrom({ items, next }: ApprovalPage): Connection<Approval> {
  const edges = items.map(({ approval, cursor }) => ({ cursor, node: show(approval) }));
  const pageInfo = { hasNextPage: next !== undefined, endCursor: edges.at(-1)?.cursor ?? null };
  return { edges, nodes: edges.map(({ node }) => node), pageInfo };
}

function show(view: ApprovalView): Approval {
  return { ...view, state: ApprovalState[view.state] };
}

function showDecided({ object, ...decided }: DecidedApproval) {
  return { ...decided, object: show(object) };
}
