import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import type { GraphqlContext } from '../api/graphql-context.ts';
import type { ReachService } from './reach.service.ts';
import { Reach, ReachConnection, ReachFilter } from './reach.type.ts';

@Resolver()
export class ReachResolver {
  readonly #reach: ReachService;

  constructor(reach: ReachService) {
    this.#reach = reach;
  }

  @Query(() => ReachConnection, {
    description: 'Who may reach what, rule by rule: agents, hosts, secrets. `simulate` decides a single request.',
  })
  async reach(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => ReachFilter, { nullable: true }) filter: ReachFilter | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Reach>> {
    const { agent, host, port, secret } = filter ?? {};
    const asked = {
      agent: agent ?? undefined,
      host: host?.toLowerCase(),
      port: port ?? undefined,
      secret: secret ?? undefined,
    };
    return connectionOf(
      await this.#reach.list(principal, asked, pageOf(page)),
      (entry) => entry,
      ({ rule }) => rule,
    );
  }
}
