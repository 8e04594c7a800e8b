import { Arg, Args, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { PageArguments, pageOf } from '../api/page-arguments.ts';
import { orNull } from '../api/or-null.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { AgentCertificateService } from './agent-certificate.service.ts';
import type { AgentService } from './agent.service.ts';
import {
  Agent,
  AgentCertificatePayload,
  AgentPage,
  AgentTokenPayload,
  AgentUpdateInput,
  NewAgentInput,
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

  @Query(() => AgentPage)
  async agents(
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentPage> {
    const { items, next = null } = await this.#agents.list(principal, pageOf(page));
    return { items: items.map(show), next };
  }

  @Query(() => Agent, { nullable: true })
  agent(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<Agent | null> {
    return orNull(async () => show(await this.#agents.get(principal, name)));
  }

  @Mutation(() => AgentTokenPayload)
  createAgent(
    @Arg('input', () => NewAgentInput) input: NewAgentInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentTokenPayload> {
    return payloadOf(async () => showWritten(await this.#agents.create(principal, inputOf(input))));
  }

  @Mutation(() => AgentTokenPayload)
  updateAgent(
    @Arg('name', () => String) name: string,
    @Arg('input', () => AgentUpdateInput) input: AgentUpdateInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentTokenPayload> {
    return payloadOf(async () => showWritten(await this.#agents.update(principal, name, inputOf(input))));
  }

  @Mutation(() => AgentTokenPayload, { description: 'Gives a new token; those before it are dead.' })
  rotateAgent(
    @Arg('name', () => String) name: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentTokenPayload> {
    return payloadOf(async () => showWritten(await this.#agents.rotate(principal, name)));
  }

  @Mutation(() => AgentCertificatePayload, {
    description: 'Issues a client certificate for the mtls identities of an agent. Those before it stay good.',
  })
  issueAgentCertificate(
    @Arg('name', () => String) name: string,
    @Arg('days', () => Int, { nullable: true, description: '1 to 365; 30 when absent.' }) days: number | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentCertificatePayload> {
    return payloadOf(() => this.#certificates.issue(principal, name, days === null ? {} : { days }));
  }

  @Mutation(() => RemovalPayload)
  deleteAgent(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#agents.remove(principal, name));
  }
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

/** Labels and identities in the form that the services take; a null is what is absent. */
function inputOf(input: NewAgentInput | AgentUpdateInput): object {
  const { labels, identities, ...others } = input;
  return {
    ...others,
    ...(labels != null && { labels: labelRecord(labels) }),
    ...(identities != null && { identities: identityInputs(identities) }),
  };
}
