import { Arg, Args, Ctx, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { GraphqlContext, SubscriptionArguments } from '../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { WorkerService } from './worker.service.ts';
import type { RevisionView, WorkerView } from './worker-store.ts';
import { type ChangeOperation, Revision, Worker, WorkerConnection } from './worker.type.ts';

@Resolver()
export class WorkerResolver {
  readonly #workers: WorkerService;

  constructor(workers: WorkerService) {
    this.#workers = workers;
  }

  @Query(() => WorkerConnection, { description: 'The workers that reported themselves, in the order of their names.' })
  async workers(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Worker>> {
    return connectionOf(
      await this.#workers.list(principal, pageOf(page)),
      (worker) => worker,
      ({ name }) => name,
    );
  }

  @Mutation(() => RemovalPayload, {
    description:
      'Says that a silent worker is gone: a write is everywhere without it. One that is heard of again is known again. Refused with CONFLICT while it reports.',
  })
  forgetWorker(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#workers.forget(principal, name));
  }

  @Query(() => Int, { description: 'The revision of the configuration that is committed now.' })
  revision(@Ctx() { principal }: GraphqlContext): Promise<number> {
    return this.#workers.revision(principal);
  }

  @Subscription(() => Revision, {
    description: 'Each revision, in order: after one, or from now on.',
    subscribe: ({ args, context }: SubscriptionArguments<{ readonly after?: number | null }>) =>
      context.services.workers.followRevisions(() => context.principal, args.after ?? undefined),
  })
  revisionCommitted(
    @Root() view: RevisionView,
    @Arg('after', () => Int, { nullable: true }) _after: number | null,
  ): Revision {
    const changes = view.changes.map((change) => ({ ...change, operation: change.operation as ChangeOperation }));
    return { ...view, changes };
  }

  @Subscription(() => [Worker], {
    description: 'The first 200 workers, now and whenever one has applied another revision, came or went.',
    subscribe: ({ context }: SubscriptionArguments<object>) =>
      context.services.workers.followWorkers(() => context.principal),
  })
  workersChanged(@Root() workers: WorkerView[]): Worker[] {
    return workers;
  }
}
