import { Args, Ctx, Int, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { PageArguments, pageOf } from '../api/page-arguments.ts';
import type { WorkerService } from './worker.service.ts';
import { WorkerPage } from './worker.type.ts';

@Resolver()
export class WorkerResolver {
  readonly #workers: WorkerService;

  constructor(workers: WorkerService) {
    this.#workers = workers;
  }

  @Query(() => WorkerPage)
  async workers(
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<WorkerPage> {
    const { items, next = null } = await this.#workers.list(principal, pageOf(page));
    return { items, next };
  }

  @Query(() => Int, { description: 'The revision of the configuration that is committed now.' })
  revision(@Ctx() { principal }: GraphqlContext): Promise<number> {
    return this.#workers.revision(principal);
  }
}
