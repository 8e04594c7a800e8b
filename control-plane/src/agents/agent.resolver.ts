import { Arg, Args, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { filterOf } from '../api/list-filter.ts';
import {
  ObjectArguments,
  UpsertArguments,
  WriteArguments,
  conditionsOf,
  refOf,
  upsertOptions,
} from '../api/object-arguments.ts';
import { orNull } from '../api/or-null.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { AgentCertificateService } from './agent-certificate.service.ts';
import type { AgentService } from './agent.service.ts';
import {
  Agent,
  AgentCertificatePayload,
  AgentConnection,
  AgentFilter,
  AgentInput,
  AgentTokenPayload,
} from './agent.type.ts';
import type { AgentView } from './agent-view.ts';
import { identityInputs, identityList } from './identity.type.ts';
import { labelList, labelRecord } from './label.type.ts';

@Resolver()
export class AgentResolver {
  readonly #agents: AgentService;

  readonly #certificates: AgentCertificateService;

  constructor(agents: AgentService, certificates: AgentCertificateService) {
    this.#agents = agents;
    this.#certificates = certificates;
  }

  @Query(() => AgentConnection, { description: 'Agents, in the order of their names.' })
  async agents(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => AgentFilter, { nullable: true }) filter: AgentFilter | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Agent>> {
    const request = { ...pageOf(page), ...agentFilter(filter) };
    return connectionOf(await this.#agents.list(principal, request), show, ({ name }) => name);
  }

  @Query(() => Agent, { nullable: true })
  agent(@Args(() => ObjectArguments) asked: ObjectArguments, @Ctx() { principal }: GraphqlContext) {
    return orNull(async () => show(await this.#agents.get(principal, refOf(asked))));
  }

  @Mutation(() => AgentTokenPayload, { description: 'Makes an agent, or brings it to what is given.' })
  upsertAgent(
    @Arg('input', () => AgentInput) input: AgentInput,
    @Args(() => UpsertArguments) asked: UpsertArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentTokenPayload> {
    return payloadOf(async () =>
      showWritten(await this.#agents.upsert(principal, inputOf(input), upsertOptions(asked))),
    );
  }

  @Mutation(() => AgentTokenPayload, { description: 'Gives a new token; those before it are dead.' })
  rotateAgent(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentTokenPayload> {
    return payloadOf(async () => showWritten(await this.#agents.rotate(principal, refOf(asked), conditionsOf(asked))));
  }

  @Mutation(() => AgentCertificatePayload, {
    description: 'Issues a client certificate for the mtls identities of an agent. Those before it stay good.',
  })
  issueAgentCertificate(
    @Args(() => ObjectArguments) asked: ObjectArguments,
    @Arg('days', () => Int, { nullable: true, description: '1 to 365; 30 when absent.' }) days: number | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentCertificatePayload> {
    return payloadOf(() => this.#certificates.issue(principal, refOf(asked), days === null ? {} : { days }));
  }

  @Mutation(() => RemovalPayload)
  deleteAgent(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#agents.remove(principal, refOf(asked), conditionsOf(asked)));
  }
}

function agentFilter(filter: AgentFilter | null) {
  const { labels, ...others } = filter ?? {};
  const { filter: given = {} } = filterOf(others);
  return { filter: { ...given, ...(labels != null && { labels: labelRecord(labels, 'filter.labels') }) } };
}

function show(view: AgentView): Agent {
  return {
    ...view,
    labels: labelList(view.labels),
    identities: identityList(view.identities),
    tokens: [...view.tokens],
  };
}

function showWritten<W extends Written<AgentView>>(written: W) {
  return { ...written, object: show(written.object) };
}

/** Labels and identities in the form that the services take. */
function inputOf({ name, labels, isDisabled, identities }: AgentInput): object {
  return {
    ...(name != null && { name }),
    ...(isDisabled !== undefined && { isDisabled }),
    ...(labels !== undefined && { labels: labels && labelRecord(labels) }),
    ...(identities !== undefined && { identities: identities && identityInputs(identities) }),
  };
}
