import { Arg, Args, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { ObjectArguments, WriteArguments, conditionsOf, refOf } from '../api/object-arguments.ts';
import { payloadOf } from '../api/write-payload.ts';
import type { SecretDependentsService } from './secret-dependents.service.ts';
import { showSecretWritten } from './show-secret.ts';
import { SecretPayload } from './secret.type.ts';
import type { SecretVersionService } from './secret-version.service.ts';
import { SecretDependents, SecretVersion, SecretVersionState } from './secret-version.type.ts';

@Resolver()
export class SecretVersionResolver {
  readonly #versions: SecretVersionService;
  readonly #dependents: SecretDependentsService;

  constructor(versions: SecretVersionService, dependents: SecretDependentsService) {
    this.#versions = versions;
    this.#dependents = dependents;
  }

  @Query(() => [SecretVersion], { description: 'The newest first.' })
  async secretVersions(
    @Args(() => ObjectArguments) asked: ObjectArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretVersion[]> {
    const versions = await this.#versions.list(principal, refOf(asked));
    return versions.map((version) => ({ ...version, state: SecretVersionState[version.state] }));
  }

  @Query(() => SecretDependents)
  async secretDependents(
    @Args(() => ObjectArguments) asked: ObjectArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretDependents> {
    const { policies, routes, agents, ...others } = await this.#dependents.of(principal, refOf(asked));
    return { ...others, policies: [...policies], routes: [...routes], agents: [...agents] };
  }

  @Mutation(() => SecretPayload, { description: 'Makes an older version the current one.' })
  rollBackSecret(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Arg('version', () => Int) version: number,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () =>
      showSecretWritten(await this.#versions.rollBack(principal, refOf(asked), version, conditionsOf(asked))),
    );
  }

  @Mutation(() => SecretPayload, { description: 'Destroys a version for good: its ciphertext is gone.' })
  destroySecretVersion(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Arg('version', () => Int) version: number,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () =>
      showSecretWritten(await this.#versions.destroy(principal, refOf(asked), version, conditionsOf(asked))),
    );
  }

  @Mutation(() => SecretPayload, {
    description: 'Gives another alias. The one before dies at once, or after `graceSeconds`.',
  })
  rotateSecretAlias(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Arg('prefix', () => String, { nullable: true }) prefix: string | null,
    @Arg('graceSeconds', () => Int, { defaultValue: 0 }) graceSeconds: number,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    const input = { prefix, graceSeconds };
    return payloadOf(async () =>
      showSecretWritten(await this.#versions.rotateAlias(principal, refOf(asked), input, conditionsOf(asked))),
    );
  }
}
