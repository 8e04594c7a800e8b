import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { SwitchableFilter, filterOf } from '../api/list-filter.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { SecretService } from './secret.service.ts';
import {
  NewSecretInput,
  ScrubMode,
  Secret,
  SecretConnection,
  SecretPayload,
  SecretUpdateInput,
  Surface,
} from './secret.type.ts';
import type { SecretView } from './secret-view.ts';

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
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Secret>> {
    const request = { ...pageOf(page), ...filterOf(filter) };
    return connectionOf(await this.#secrets.list(principal, request), show, ({ name }) => name);
  }

  @Query(() => Secret, { nullable: true })
  secret(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<Secret | null> {
    return orNull(async () => show(await this.#secrets.get(principal, name)));
  }

  @Mutation(() => SecretPayload)
  createSecret(
    @Arg('input', () => NewSecretInput) input: NewSecretInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () => showWritten(await this.#secrets.create(principal, input)));
  }

  @Mutation(() => SecretPayload)
  updateSecret(
    @Arg('name', () => String) name: string,
    @Arg('input', () => SecretUpdateInput) input: SecretUpdateInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<SecretPayload> {
    return payloadOf(async () => showWritten(await this.#secrets.put(principal, name, input)));
  }

  @Mutation(() => RemovalPayload)
  deleteSecret(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#secrets.remove(principal, name));
  }
}

const surfaceOf = {
  header: Surface.HEADER,
  basic: Surface.BASIC,
  query: Surface.QUERY,
  path: Surface.PATH,
  cookie: Surface.COOKIE,
  json: Surface.JSON,
  form: Surface.FORM,
  text: Surface.TEXT,
  websocket: Surface.WEBSOCKET,
} as const;
const scrubOf = { replace: ScrubMode.REPLACE, refuse: ScrubMode.REFUSE, off: ScrubMode.OFF } as const;

function show(view: SecretView): Secret {
  const binding = view.binding && {
    hosts: [...view.binding.hosts],
    surfaces: view.binding.surfaces.map((name) => surfaceOf[name]),
    jsonPaths: view.binding.jsonPaths ? [...view.binding.jsonPaths] : null,
    allowCleartext: view.binding.allowCleartext ?? false,
    scrub: scrubOf[view.binding.scrub ?? 'replace'],
  };
  return { ...view, binding, versions: [...view.versions] };
}

function showWritten({ object, ...written }: Written<SecretView>) {
  return { ...written, object: show(object) };
}
