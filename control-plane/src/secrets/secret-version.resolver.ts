import { Arg, Args, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { ConditionArguments, conditionsOf } from '../api/object-arguments.ts';
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
    @Arg('name', () => String) name: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretVersion[]> {
    const versions = await this.#versions.list(principal, name);
    return versions.map((version) => ({ ...version, state: SecretVersionState[version.state] }));
  }

  @Query(() => SecretDependents)
  async secretDependents(
    @Arg('name', () => String) name: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretDependents> {
    const { policies, routes, agents, ...others } = await this.#dependents.of(principal, name);
    return { ...others, policies: [...policies], routes: [...routes], agents: [...agents] };
  }

  @Mutation(() => SecretPayload, { description: 'Makes an older version the current one.' })
  rollBackSecret(
    @Arg('name', () => String) name: string,
    @Arg('version', () => Int) version: number,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () =>
      showSecretWritten(await this.#versions.rollBack(principal, name, version, conditionsOf(asked))),
    );
  }

  @Mutation(() => SecretPayload, { description: 'Destroys a version for good: its ciphertext is gone.' })
  destroySecretVersion(
    @Arg('name', () => String) name: string,
    @Arg('version', () => Int) version: number,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () =>
      showSecretWritten(await this.#versions.destroy(principal, name, version, conditionsOf(asked))),
    );
  }

  @Mutation(() => SecretPayload, {
    description: 'Gives another alias. The one before dies at once, or after `graceSeconds`.',
  })
  rotateSecretAlias(
    @Arg('name', () => String) name: string,
    @Arg('prefix', () => String, { nullable: true }) prefix: string | null,
    @Arg('graceSeconds', () => Int, { defaultValue: 0 }) graceSeconds: number,
    @Args(() => ConditionArguments) asked: ConditionArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    const input = { prefix, graceSeconds };
    return payloadOf(async () =>
      showSecretWritten(await this.#versions.rotateAlias(principal, name, input, conditionsOf(asked))),
    );
  }
}
