import { Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { payloadOf } from '../api/write-payload.ts';
import type { KeysService } from './keys.service.ts';
import { Keys, KeysPayload } from './keys.type.ts';

@Resolver()
export class KeysResolver {
  readonly #keys: KeysService;

  constructor(keys: KeysService) {
    this.#keys = keys;
  }

  @Query(() => Keys, { description: 'The key terms, how far a rotation is, and what each process has of them.' })
  keys(@Ctx() { principal }: GraphqlContext): Promise<Keys> {
    return this.#keys.status(principal);
  }

  @Mutation(() => KeysPayload, {
    description:
      'Begins to move every sealed value to a new key term. While a rotation is under way it changes nothing. `waitingFor` names the processes that have not got the term.',
  })
  rotateKeys(@Ctx() { principal }: GraphqlContext): Promise<KeysPayload> {
    return payloadOf(() => this.#keys.rotate(principal));
  }
}
