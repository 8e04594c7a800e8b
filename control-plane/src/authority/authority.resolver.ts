import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { withoutNulls } from '../api/without-nulls.ts';
import { payloadOf } from '../api/write-payload.ts';
import type { AuthorityService } from './authority.service.ts';
import { Authorities, AuthoritiesPayload, ImportAuthorityInput } from './authority.type.ts';

@Resolver()
export class AuthorityResolver {
  readonly #authorities: AuthorityService;

  constructor(authorities: AuthorityService) {
    this.#authorities = authorities;
  }

  @Query(() => Authorities, { description: 'The certificate authorities that agents are to trust.' })
  authorities(@Ctx() { principal }: GraphqlContext): Promise<Authorities> {
    return this.#authorities.status(principal);
  }

  @Mutation(() => AuthoritiesPayload, {
    description:
      'Makes the next authority: agents are given it to trust from now on, and it signs when the overlap is over. While there is a next one it changes nothing.',
  })
  rotateAuthority(
    @Arg('overlapHours', () => Int, { nullable: true, description: 'Default: 168.' }) overlapHours: number | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.rotate(principal, { overlapHours: overlapHours ?? undefined }));
  }

  @Mutation(() => AuthoritiesPayload, { description: 'Makes an authority of your own the next one.' })
  importAuthority(
    @Arg('input', () => ImportAuthorityInput) input: ImportAuthorityInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.import(principal, withoutNulls(input)));
  }

  @Mutation(() => AuthoritiesPayload, {
    description: 'Lets the next authority sign now. It is refused while a live worker does not hand it out.',
  })
  activateAuthority(
    @Arg('isEarly', () => Boolean, {
      nullable: true,
      description: 'Before the overlap is over: agents that began before the rotation do not trust it.',
    })
    isEarly: boolean | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.activate(principal, { isEarly: isEarly ?? undefined }));
  }

  @Mutation(() => AuthoritiesPayload, {
    description: 'Takes authorities out of what agents are given to trust, and destroys their keys.',
  })
  retireAuthority(
    @Arg('id', () => ID, { nullable: true, description: 'Default: all that are PREVIOUS.' }) id: string | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.retire(principal, { id: id ?? undefined }));
  }
}
