import { GraphQLJSON } from 'graphql-scalars';
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { ConditionArguments, conditionsOf } from '../api/object-arguments.ts';
import { orNull } from '../api/or-null.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { RotationService } from './rotation.service.ts';
import { Rotation, RotationConnection, RotationPayload, RotationRun, RotationRunPayload } from './rotation.type.ts';

@Resolver()
export class RotationResolver {
  readonly #rotations: RotationService;

  constructor(rotations: RotationService) {
    this.#rotations = rotations;
  }

  @Query(() => RotationConnection, { description: 'How secrets are rotated, in the order of their names.' })
  async rotations(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Rotation>> {
    const found = await this.#rotations.list(principal, pageOf(page));
    return connectionOf(
      found,
      (view): Rotation => view,
      ({ secret }) => secret,
    );
  }

  @Query(() => Rotation, { nullable: true })
  rotation(
    @Arg('secret', () => String) secret: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Rotation | null> {
    return orNull(() => this.#rotations.get(principal, secret));
  }

  @Query(() => [RotationRun], { description: 'The last times that a secret was rotated, the newest first.' })
  rotationRuns(
    @Arg('secret', () => String) secret: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationRun[]> {
    return this.#rotations.runs(principal, secret);
  }

  @Mutation(() => RotationPayload, { description: 'Sets how a secret is rotated, as a whole.' })
  setRotation(
    @Arg('secret', () => String) secret: string,
    @Arg('recipe', () => GraphQLJSON, { description: 'As docs/rotation.md has it, with its schedule.' })
    recipe: unknown,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationPayload> {
    return payloadOf(() => this.#rotations.put(principal, secret, recipe, conditionsOf(asked)));
  }

  @Mutation(() => RemovalPayload, { description: 'Does not rotate a secret any more; the secret stays.' })
  deleteRotation(
    @Arg('secret', () => String) secret: string,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#rotations.remove(principal, secret, conditionsOf(asked)));
  }

  @Mutation(() => RotationRunPayload, { description: 'Begins to rotate a secret; `rotationRuns` tells how far it is.' })
  runRotation(
    @Arg('secret', () => String) secret: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationRunPayload> {
    return payloadOf(async () => ({ ...(await this.#rotations.run(principal, secret)), change: 'CREATED' as const }));
  }

  @Mutation(() => RotationRunPayload, {
    description:
      'Lets the newest run go no further. Until the new version has proven itself, the old one stays or comes back, and the new key is ended.',
  })
  cancelRotation(
    @Arg('secret', () => String) secret: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationRunPayload> {
    return payloadOf(async () => ({
      ...(await this.#rotations.cancel(principal, secret)),
      change: 'UPDATED' as const,
    }));
  }
}
