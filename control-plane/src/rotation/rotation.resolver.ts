import { GraphQLJSON } from 'graphql-scalars';
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { OfSecretArguments, WriteOfSecretArguments, conditionsOf, secretRefOf } from '../api/object-arguments.ts';
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
    @Args(() => OfSecretArguments) asked: OfSecretArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Rotation | null> {
    return orNull(() => this.#rotations.get(principal, secretRefOf(asked)));
  }

  @Query(() => [RotationRun], { description: 'The last times that a secret was rotated, the newest first.' })
  rotationRuns(
    @Args(() => OfSecretArguments) asked: OfSecretArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationRun[]> {
    return this.#rotations.runs(principal, secretRefOf(asked));
  }

  @Mutation(() => RotationPayload, { description: 'Sets how a secret is rotated, as a whole.' })
  setRotation(
    @Args(() => WriteOfSecretArguments) asked: WriteOfSecretArguments,
    @Arg('recipe', () => GraphQLJSON, { description: 'As docs/rotation.md has it, with its schedule.' })
    recipe: unknown,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationPayload> {
    return payloadOf(() => this.#rotations.put(principal, secretRefOf(asked), recipe, conditionsOf(asked)));
  }

  @Mutation(() => RemovalPayload, { description: 'Does not rotate a secret any more; the secret stays.' })
  deleteRotation(
    @Args(() => WriteOfSecretArguments) asked: WriteOfSecretArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#rotations.remove(principal, secretRefOf(asked), conditionsOf(asked)));
  }

  @Mutation(() => RotationRunPayload, { description: 'Begins to rotate a secret; `rotationRuns` tells how far it is.' })
  runRotation(
    @Args(() => OfSecretArguments) asked: OfSecretArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationRunPayload> {
    return payloadOf(async () => ({
      ...(await this.#rotations.run(principal, secretRefOf(asked))),
      change: 'CREATED' as const,
    }));
  }

  @Mutation(() => RotationRunPayload, {
    description:
      'Lets the newest run go no further. Until the new version has proven itself, the old one stays or comes back, and the new key is ended.',
  })
  cancelRotation(
    @Args(() => OfSecretArguments) asked: OfSecretArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RotationRunPayload> {
    return payloadOf(async () => ({
      ...(await this.#rotations.cancel(principal, secretRefOf(asked))),
      change: 'UPDATED' as const,
    }));
  }
}
