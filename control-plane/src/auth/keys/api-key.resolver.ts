import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../api/graphql-context.ts';
import { ObjectArguments, WriteArguments, conditionsOf, refOf } from '../../api/object-arguments.ts';
import { orNull } from '../../api/or-null.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../../api/connection.ts';
import { RemovalPayload, payloadOf } from '../../api/write-payload.ts';
import { showRoles } from '../role.type.ts';
import type { ApiKeyService } from './api-key.service.ts';
import type { ApiKeyView } from './api-key-store.ts';
import { ApiKey, ApiKeyConnection, ApiKeyPayload, NewApiKeyInput } from './api-key.type.ts';

@Resolver()
export class ApiKeyResolver {
  readonly #keys: ApiKeyService;

  constructor(keys: ApiKeyService) {
    this.#keys = keys;
  }

  @Query(() => ApiKeyConnection, { description: 'The caller’s own API keys, or everybody’s.' })
  async apiKeys(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('all', () => Boolean, { defaultValue: false, description: 'Everybody’s, not only the caller’s own.' })
    all: boolean,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<ApiKey>> {
    return connectionOf(await this.#keys.list(principal, { ...pageOf(page), all }), show, ({ name }) => name);
  }

  @Query(() => ApiKey, { nullable: true })
  apiKey(
    @Args(() => ObjectArguments) asked: ObjectArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<ApiKey | null> {
    return orNull(async () => show(await this.#keys.get(principal, refOf(asked))));
  }

  @Mutation(() => ApiKeyPayload)
  createApiKey(
    @Arg('input', () => NewApiKeyInput) input: NewApiKeyInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<ApiKeyPayload> {
    return payloadOf(async () => {
      const { object, ...written } = await this.#keys.create(principal, input);
      return { ...written, object: show(object) };
    });
  }

  @Mutation(() => RemovalPayload)
  revokeApiKey(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#keys.revoke(principal, refOf(asked), conditionsOf(asked)));
  }
}

function show({ roles, actions, environments, ...view }: ApiKeyView): ApiKey {
  return {
    ...view,
    roles: roles && showRoles(roles),
    actions: actions && [...actions],
    environments: environments && [...environments],
  };
}
