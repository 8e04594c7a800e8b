import { Args, Ctx, Int, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import type { WorkerService } from './worker.service.ts';
import { type Worker, WorkerConnection } from './worker.type.ts';

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

  @Query(() => Int, { description: 'The revision of the configuration that is committed now.' })
  revision(@Ctx() { principal }: GraphqlContext): Promise<number> {
    return this.#workers.revision(principal);
  }
}
