import { Fault } from '@onecli/shared/fault';
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { labelList, labelRecord } from '../agents/label.type.ts';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { PageArguments, pageOf } from '../api/page-arguments.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { AllowDocument, DenyDocument, RuleDocument } from './policy-document.ts';
import type { PolicyService, PolicyView } from './policy.service.ts';
import {
  type AgentSelector,
  type AgentSelectorInput,
  type AllowRule,
  NewPolicyInput,
  Policy,
  PolicyContentInput,
  type PolicyMode,
  PolicyPage,
  PolicyPayload,
  type RateLimitBy,
  type Rule,
  type WeekDay,
} from './policy.type.ts';

@Resolver()
export class PolicyResolver {
  readonly #policies: PolicyService;

  constructor(policies: PolicyService) {
    this.#policies = policies;
  }

  @Query(() => PolicyPage)
  async policies(
    @Args(() => PageArguments) page: PageArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<PolicyPage> {
    const { items, next = null } = await this.#policies.list(principal, pageOf(page));
    return { items: items.map(show), next };
  }

  @Query(() => Policy, { nullable: true })
  policy(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<Policy | null> {
    return orNull(async () => show(await this.#policies.get(principal, name)));
  }

  @Mutation(() => PolicyPayload)
  createPolicy(
    @Arg('input', () => NewPolicyInput) input: NewPolicyInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<PolicyPayload> {
    return payloadOf(async () => showWritten(await this.#policies.create(principal, contentOf(input))));
  }

  @Mutation(() => PolicyPayload)
  replacePolicy(
    @Arg('name', () => String) name: string,
    @Arg('input', () => PolicyContentInput) input: PolicyContentInput,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<PolicyPayload> {
    return payloadOf(async () => showWritten(await this.#policies.replace(principal, name, contentOf(input))));
  }

  @Mutation(() => RemovalPayload)
  deletePolicy(@Arg('name', () => String) name: string, @Ctx() { principal }: GraphqlContext): Promise<RemovalPayload> {
    return payloadOf(() => this.#policies.remove(principal, name));
  }
}

function contentOf({ agents, ...rest }: PolicyContentInput) {
  return { ...rest, agents: agents.map((agent, index) => selectorDocument(agent, index)) };
}

function selectorDocument({ name, labels }: AgentSelectorInput, index: number) {
  if ((name == null) === (labels == null)) {
    throw new Fault('INVALID', `agents[${index}] must have either a name or labels`, { field: `agents[${index}]` });
  }
  return labels == null ? name : { labels: labelRecord(labels) };
}

function show(view: PolicyView): Policy {
  return {
    ...view,
    agents: view.agents.map(showSelector),
    mode: view.mode as PolicyMode,
    rules: view.rules.map(showRule),
  };
}

function showSelector(agent: PolicyView['agents'][number]): AgentSelector {
  return typeof agent === 'string' ? { name: agent, labels: null } : { name: null, labels: labelList(agent.labels) };
}

function showRule(rule: RuleDocument): Rule {
  if ('deny' in rule) return { allow: null, deny: showScope(rule.deny) };
  return { allow: showAllow(rule.allow), deny: null };
}

function showAllow(allow: AllowDocument): AllowRule {
  const { secrets = [], rateLimit, maxConcurrent, maxBodyBytes, tunnel, http2, plainHttp } = allow;
  return {
    ...showScope(allow),
    secrets: [...secrets],
    rateLimit: rateLimit ? { ...rateLimit, by: rateLimit.by as RateLimitBy } : null,
    maxConcurrent: maxConcurrent ?? null,
    maxBodyBytes: maxBodyBytes ?? null,
    tunnel: tunnel ?? false,
    http2: http2 ?? false,
    plainHttp: plainHttp ?? false,
  };
}

function showScope({ hosts, paths = [], methods = [], windows = [] }: DenyDocument) {
  return {
    hosts: [...hosts],
    paths: [...paths],
    methods: [...methods],
    windows: windows.map((window) => ({ ...window, days: window.days.map((day) => day as WeekDay) })),
  };
}

function showWritten({ object, ...written }: Written<PolicyView>) {
  return { ...written, object: show(object) };
}
