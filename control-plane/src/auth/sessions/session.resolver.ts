import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../api/graphql-context.ts';
import { RemovalPayload, payloadOf } from '../../api/write-payload.ts';
import type { SessionService } from './session.service.ts';
import { Session } from './session.type.ts';

@Resolver()
export class SessionResolver {
  readonly #sessions: SessionService;

  constructor(sessions: SessionService) {
    this.#sessions = sessions;
  }

  @Query(() => [Session], {
    description: 'The living sessions of the caller, or of a user; 50 at most, the newest first.',
  })
  sessions(
    @Ctx() { principal }: GraphqlContext,
    @Arg('user', () => String, { nullable: true }) user?: string | null,
  ): Promise<Session[]> {
    return this.#sessions.list(principal, user ?? undefined);
  }

  @Mutation(() => RemovalPayload)
  revokeSession(@Arg('id', () => ID) id: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#sessions.revoke(principal, id));
  }
}
