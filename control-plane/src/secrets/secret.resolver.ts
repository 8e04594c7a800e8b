import { Arg, Args, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { SwitchableFilter, filterOf } from '../api/list-filter.ts';
import {
  ObjectArguments,
  UpsertArguments,
  WriteArguments,
  conditionsOf,
  refOf,
  upsertOptions,
} from '../api/object-arguments.ts';
import { upsertInput, withoutNulls } from '../api/without-nulls.ts';
import { invalidField } from '../configuration/parse-input.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { SecretService } from './secret.service.ts';
import { GenerateInput, Secret, SecretConnection, SecretInput, SecretPayload } from './secret.type.ts';
import { showSecret, showSecretWritten } from './show-secret.ts';

@Resolver()
export class SecretResolver {
  readonly #secrets: SecretService;

  constructor(secrets: SecretService) {
    this.#secrets = secrets;
  }

  @Query(() => SecretConnection, { description: 'Secrets, in the order of their names. No answer has a value.' })
  async secrets(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => SwitchableFilter, { nullable: true }) filter: SwitchableFilter | null,
    @Arg('expiringWithinDays', () => Int, { nullable: true, description: 'Those alone that expire by then, or have.' })
    days: number | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Secret>> {
    const request = { ...pageOf(page), ...filterOf(filter), expiringWithinDays: days ?? undefined };
    return connectionOf(await this.#secrets.list(principal, request), showSecret, ({ name }) => name);
  }

  @Query(() => Secret, { nullable: true })
  secret(
    @Args(() => ObjectArguments) asked: ObjectArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Secret | null> {
    return orNull(async () => showSecret(await this.#secrets.get(principal, refOf(asked))));
  }

  @Mutation(() => SecretPayload, { description: 'Makes a secret, or brings it to what is given.' })
  upsertSecret(
    @Arg('input', () => SecretInput) input: SecretInput,
    @Args(() => UpsertArguments) asked: UpsertArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () =>
      showSecretWritten(await this.#secrets.upsert(principal, documentInput(input), upsertOptions(asked))),
    );
  }

  @Mutation(() => SecretPayload, {
    description: 'Gives a secret a new version, which is in force in the next request: a value, or a random one.',
  })
  rotateSecret(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Arg('value', () => String, { nullable: true }) value: string | null,
    @Arg('generate', () => GenerateInput, { nullable: true }) generate: GenerateInput | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () => {
      if (value == null && generate == null) throw invalidField('value', 'is required, or `generate`');
      const input = withoutNulls({ value, generate });
      return showSecretWritten(await this.#secrets.put(principal, refOf(asked), input, conditionsOf(asked)));
    });
  }

  @Mutation(() => RemovalPayload)
  deleteSecret(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#secrets.remove(principal, refOf(asked), conditionsOf(asked)));
  }
}

/** A value has no default to go back to: null is what is absent. */
function documentInput({ value, generate, ...rest }: SecretInput): Record<string, unknown> {
  return {
    ...upsertInput(rest),
    ...(value != null && { value }),
    ...(generate != null && { generate: withoutNulls(generate) }),
  };
}
