import { Fault } from '@onecli/shared/fault';
import { Arg, Args, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { labelList, labelRecord } from '../agents/label.type.ts';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { orNull } from '../api/or-null.ts';
import { type Connection, ConnectionArguments, connectionOf, pageOf } from '../api/connection.ts';
import { ListFilter, filterOf } from '../api/list-filter.ts';
import {
  ObjectArguments,
  UpsertArguments,
  WriteArguments,
  conditionsOf,
  refOf,
  upsertOptions,
} from '../api/object-arguments.ts';
import { upsertInput } from '../api/without-nulls.ts';
import { RemovalPayload, payloadOf } from '../api/write-payload.ts';
import type { Written } from '../configuration/written.ts';
import type { AllowDocument, DenyDocument, RuleDocument } from './policy-document.ts';
import type { PolicyService, PolicyView } from './policy.service.ts';
import {
  type AgentSelector,
  type AgentSelectorInput,
  type AllowRule,
  type DenyRule,
  Policy,
  PolicyConnection,
  PolicyInput,
  type PolicyMode,
  PolicyPayload,
  type RateLimit,
  type Rule,
  type TimeWindow,
} from './policy.type.ts';

@Resolver()
export class PolicyResolver {
  readonly #policies: PolicyService;

  constructor(policies: PolicyService) {
    this.#policies = policies;
  }

  @Query(() => PolicyConnection, { description: 'Policies, in the order of their names.' })
  async policies(
    @Args(() => ConnectionArguments) page: ConnectionArguments,
    @Arg('filter', () => ListFilter, { nullable: true }) filter: ListFilter | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Connection<Policy>> {
    const request = { ...pageOf(page), ...filterOf(filter) };
    return connectionOf(await this.#policies.list(principal, request), show, ({ name }) => name);
  }

  @Query(() => Policy, { nullable: true })
  policy(@Args(() => ObjectArguments) asked: ObjectArguments, @Ctx() { principal }: GraphqlContext) {
    return orNull(async () => show(await this.#policies.get(principal, refOf(asked))));
  }

  @Mutation(() => PolicyPayload, { description: 'Makes a policy, or brings it to what is given.' })
  upsertPolicy(
    @Arg('input', () => PolicyInput) input: PolicyInput,
    @Args(() => UpsertArguments) asked: UpsertArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<PolicyPayload> {
    return payloadOf(async () =>
      showWritten(await this.#policies.upsert(principal, documentInput(input), upsertOptions(asked))),
    );
  }

  @Mutation(() => RemovalPayload)
  deletePolicy(
    @Args(() => WriteArguments) asked: WriteArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<RemovalPayload> {
    return payloadOf(() => this.#policies.remove(principal, refOf(asked), conditionsOf(asked)));
  }
}

/** A policy as the service takes it. @throws Fault INVALID */
export function documentInput({ agents, ...rest }: PolicyInput) {
  const selectors = agents?.map((agent, index) => selectorDocument(agent, index)) ?? agents;
  return { ...upsertInput(rest), ...(selectors !== undefined && { agents: selectors }) };
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
    rules: showRules(view.rules),
  };
}

/** Of documents that are kept: of the largest page those are thousands of rules, and nobody changes what is shown. */
const shownRules = new WeakMap<readonly RuleDocument[], Rule[]>();

function showRules(rules: readonly RuleDocument[]): Rule[] {
  const shown = shownRules.get(rules) ?? rules.map(showRule);
  shownRules.set(rules, shown);
  return shown;
}

function showSelector(agent: PolicyView['agents'][number]): AgentSelector {
  return typeof agent === 'string' ? { name: agent, labels: null } : { name: null, labels: labelList(agent.labels) };
}

function showRule(rule: RuleDocument): Rule {
  if ('deny' in rule) return { allow: null, deny: showDeny(rule.deny) };
  return { allow: showAllow(rule.allow), deny: null };
}

/** Nothing is copied, and each comes in one shape. */
function showAllow(allow: AllowDocument): AllowRule {
  const { hosts, paths, methods, windows, secrets, rateLimit, maxConcurrent, maxBodyBytes } = allow;
  const { tunnel, http2, plainHttp, approval } = allow;
  return {
    hosts,
    paths: paths ?? [],
    methods: methods ?? [],
    windows: (windows ?? []) as readonly TimeWindow[],
    secrets: secrets ?? [],
    rateLimit: (rateLimit ?? null) as RateLimit | null,
    maxConcurrent: maxConcurrent ?? null,
    maxBodyBytes: maxBodyBytes ?? null,
    tunnel: tunnel ?? false,
    http2: http2 ?? false,
    plainHttp: plainHttp ?? false,
    approval: approval ?? false,
  };
}

function showDeny({ hosts, paths, methods, windows }: DenyDocument): DenyRule {
  return {
    hosts,
    paths: paths ?? [],
    methods: methods ?? [],
    windows: (windows ?? []) as readonly TimeWindow[],
  };
}

function showWritten({ object, ...written }: Written<PolicyView>) {
  return { ...written, object: show(object) };
}
