import { Arg, Args, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { SwitchableFilter, filterOf } from '../api/list-filter.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { SecretService } from './secret.service.ts';
import { NewSecretInput, Secret, SecretConnection, SecretPayload, SecretUpdateInput } from './secret.type.ts';
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
  secret(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<Secret | null> {
    return orNull(async () => showSecret(await this.#secrets.get(principal, name)));
  }

  @Mutation(() => SecretPayload)
  createSecret(
    @Arg('input', () => NewSecretInput) input: NewSecretInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () => showSecretWritten(await this.#secrets.create(principal, input)));
  }

  @Mutation(() => SecretPayload)
  updateSecret(
    @Arg('name', () => String) name: string,
    @Arg('input', () => SecretUpdateInput) input: SecretUpdateInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () => showSecretWritten(await this.#secrets.put(principal, name, input)));
  }

  @Mutation(() => RemovalPayload)
  deleteSecret(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#secrets.remove(principal, name));
  }
}
