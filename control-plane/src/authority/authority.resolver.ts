import { Arg, Ctx, ID, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { withoutNulls } from '../api/without-nulls.ts';
import { payloadOf } from '../api/write-payload.ts';
import type { AuthorityService } from './authority.service.ts';
import { Authorities, AuthoritiesPayload, AuthorityKind, ImportAuthorityInput } from './authority.type.ts';

type Kind = `${AuthorityKind}` | null;
const ofKind = { nullable: true, description: 'Default: GATEWAY.' } as const;

@Resolver()
export class AuthorityResolver {
  readonly #authorities: AuthorityService;

  constructor(authorities: AuthorityService) {
    this.#authorities = authorities;
  }

  @Query(() => Authorities, {
    description: 'The certificate authorities that agents are to trust, or that issue their client certificates.',
  })
  authorities(
    @Arg('kind', () => AuthorityKind, ofKind) kind: Kind,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Authorities> {
    return this.#authorities.status(principal, withoutNulls({ kind }));
  }

  @Mutation(() => AuthoritiesPayload, {
    description:
      'Makes the next authority: it is trusted from now on, and signs when the overlap is over. While there is a next one it changes nothing.',
  })
  rotateAuthority(
    @Arg('overlapHours', () => Int, { nullable: true, description: 'Default: 168; of a CLIENT one 0.' })
    overlapHours: number | null,
    @Arg('kind', () => AuthorityKind, ofKind) kind: Kind,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.rotate(principal, withoutNulls({ overlapHours, kind })));
  }

  @Mutation(() => AuthoritiesPayload, { description: 'Makes an authority of your own the next one.' })
  importAuthority(
    @Arg('input', () => ImportAuthorityInput) input: ImportAuthorityInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.import(principal, withoutNulls(input)));
  }

  @Mutation(() => AuthoritiesPayload, {
    description:
      'Lets the next authority sign now. It is refused while a live worker does not hand it out, or trust it.',
  })
  activateAuthority(
    @Arg('isEarly', () => Boolean, {
      nullable: true,
      description: 'Before the overlap is over: agents that began before the rotation do not trust it.',
    })
    isEarly: boolean | null,
    @Arg('kind', () => AuthorityKind, ofKind) kind: Kind,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.activate(principal, withoutNulls({ isEarly, kind })));
  }

  @Mutation(() => AuthoritiesPayload, {
    description: 'Has authorities trusted no more, and destroys their keys.',
  })
  retireAuthority(
    @Arg('id', () => ID, { nullable: true, description: 'Default: all that are PREVIOUS.' }) id: string | null,
    @Arg('isForced', () => Boolean, {
      nullable: true,
      description: 'Of a CLIENT one: also while agents have certificates by it, which are refused from then on.',
    })
    isForced: boolean | null,
    @Arg('kind', () => AuthorityKind, ofKind) kind: Kind,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuthoritiesPayload> {
    return payloadOf(() => this.#authorities.retire(principal, withoutNulls({ id, isForced, kind })));
  }
}
