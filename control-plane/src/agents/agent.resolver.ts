import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { PageArguments, pageOf } from '../api/page-arguments.ts';
import { orNull } from '../api/or-null.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { AgentService } from './agent.service.ts';
import { Agent, AgentPage, AgentPayload, AgentTokenPayload, AgentUpdateInput, NewAgentInput } from './agent.type.ts';
import type { AgentView } from './agent-view.ts';
import { type LabelInput, labelList, labelRecord } from './label.type.ts';

@Resolver()
export class AgentResolver {
  readonly #agents: AgentService;

  constructor(agents: AgentService) {
    this.#agents = agents;
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
    return payloadOf(async () => showWritten(await this.#agents.create(principal, withLabels(input))));
  }

  @Mutation(() => AgentPayload)
  updateAgent(
    @Arg('name', () => String) name: string,
    @Arg('input', () => AgentUpdateInput) input: AgentUpdateInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentPayload> {
    return payloadOf(async () => showWritten(await this.#agents.update(principal, name, withLabels(input))));
  }

  @Mutation(() => AgentTokenPayload, { description: 'Gives a new token; those before it are dead.' })
  rotateAgent(
    @Arg('name', () => String) name: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AgentTokenPayload> {
    return payloadOf(async () => showWritten(await this.#agents.rotate(principal, name)));
  }

  @Mutation(() => RemovalPayload)
  deleteAgent(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#agents.remove(principal, name));
  }
}

function show(view: AgentView): Agent {
  return { ...view, labels: labelList(view.labels), tokens: [...view.tokens] };
}

function showWritten<W extends Written<AgentView>>(written: W) {
  return { ...written, object: show(written.object) };
}

function withLabels<I extends { labels?: LabelInput[] | null }>(input: I) {
  return input.labels == null ? { ...input } : { ...input, labels: labelRecord(input.labels) };
}
