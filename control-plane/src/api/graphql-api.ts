import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { expressMiddleware } from '@as-integrations/express5';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { AgentResolver } from '../agents/agent.resolver.ts';
import { AdminEventResolver } from '../auth/events/admin-event.resolver.ts';
import { ApiKeyResolver } from '../auth/keys/api-key.resolver.ts';
import { SessionResolver } from '../auth/sessions/session.resolver.ts';
import { UserResolver } from '../auth/users/user.resolver.ts';
import { ApprovalResolver } from '../approvals/approval.resolver.ts';
import { AuditResolver } from '../audit/audit.resolver.ts';
import { AuditTrailResolver } from '../audit/trail/trail.resolver.ts';
import { BackupResolver } from '../backup/backup.resolver.ts';
import { AuthorityResolver } from '../authority/authority.resolver.ts';
import { KeysResolver } from '../keys/keys.resolver.ts';
import { PlanResolver } from '../plan/plan.resolver.ts';
import { PolicyResolver } from '../policies/policy.resolver.ts';
import { RotationResolver } from '../rotation/rotation.resolver.ts';
import { RouteResolver } from '../routes/route.resolver.ts';
import { SecretResolver } from '../secrets/secret.resolver.ts';
import { SimulationResolver } from '../simulation/simulation.resolver.ts';
import { SecretVersionResolver } from '../secrets/secret-version.resolver.ts';
import { PolicyImpactResolver } from '../simulation/policy-impact.resolver.ts';
import { ReachResolver } from '../simulation/reach.resolver.ts';
import { TrafficResolver } from '../traffic/traffic.resolver.ts';
import { WorkerResolver } from '../workers/worker.resolver.ts';
import type { RefusalRecord } from '../auth/events/refusal-record.ts';
import type { Metrics } from '../health/metrics.ts';
import { type Resolvers, buildSchema } from './build-schema.ts';
import { countOperations } from './count-operations.ts';
import type { Services } from './services.ts';
import { executor } from './execution-schema.ts';
import { formatGraphqlError } from './format-graphql-error.ts';
import type { GraphqlContext, NoteRefusal } from './graphql-context.ts';
import { costRules, graphqlLimits, maxTokens } from './graphql-limits.ts';
import { costPlugin } from './page-cost.ts';
import { plainJsonPlugin } from './plain-json-plugin.ts';
import { noteRefusedSubscription, noteToldRefusal, refusalPlugin } from './refusal-plugin.ts';
import { principalOf, requestIdOf } from './request-context.ts';
import { SubscriptionServer } from '../subscriptions/subscription-server.ts';

interface Surroundings {
  readonly refusals: RefusalRecord;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** GraphQL over the same services as REST. Whoever comes here has signed in. */
export class GraphqlApi {
  readonly handler: RequestHandler;
  readonly #apollo: ApolloServer<GraphqlContext>;

  /** Subscriptions over the same schema. */
  readonly subscriptions: SubscriptionServer;

  private constructor(apollo: ApolloServer<GraphqlContext>, subscriptions: SubscriptionServer, services: Services) {
    this.#apollo = apollo;
    this.subscriptions = subscriptions;
    const { applied } = services;
    this.handler = expressMiddleware(apollo, {
      context: ({ res }) =>
        Promise.resolve({ principal: principalOf(res), requestId: requestIdOf(res), applied, services }),
    });
  }

  static async start(services: Services, { refusals, metrics, log }: Surroundings): Promise<GraphqlApi> {
    const witnesses = { refusals, metrics };
    const { plugins, validationRules } = graphqlLimits();
    const schema = buildSchema(resolversOf(services, (fault, context) => noteToldRefusal(witnesses, fault, context)));
    const apollo = new ApolloServer<GraphqlContext>({
      gateway: executor(schema),
      introspection: true,
      allowBatchedHttpRequests: false,
      // Done for every request of a browser, whatever its headers, ahead of this: see guards.ts.
      csrfPrevention: false,
      persistedQueries: false,
      stopOnTerminationSignals: false,
      includeStacktraceInErrorResponses: false,
      // That is done by the limits, for every answer.
      hideSchemaDetailsFromClientErrors: false,
      nodeEnv: 'production',
      parseOptions: { maxTokens },
      validationRules,
      plugins: [
        ...plugins,
        costPlugin(costRules()),
        refusalPlugin(witnesses),
        plainJsonPlugin,
        countOperations(metrics),
        ApolloServerPluginLandingPageDisabled(),
        // It would look at each field of an answer. No answer is kept by anybody.
        ApolloServerPluginCacheControlDisabled(),
      ] as ApolloServerPlugin<GraphqlContext>[],
      logger: quiet(log),
      formatError: (formatted, error) =>
        formatGraphqlError(formatted, error, (fault) => log.error({ err: fault }, 'a GraphQL request failed')),
    });
    await apollo.start();
    const subscriptions = new SubscriptionServer({
      schema,
      limits: [...validationRules, ...costRules()],
      log,
      refused: (error, context) => noteRefusedSubscription(witnesses, error, context),
      answered: (type, hasErrors) => metrics.graphqlAnswered(type, hasErrors),
    });
    return new GraphqlApi(apollo, subscriptions, services);
  }

  stop(): Promise<void> {
    this.subscriptions.close();
    return this.#apollo.stop();
  }
}

function resolversOf(services: Services, refused: NoteRefusal): Resolvers {
  const { secrets, secretVersions, dependents, agents, certificates, policies, routes, plans, audit, workers, keys } =
    services;
  const { users, passwords, sessions, apiKeys, adminEvents } = services;
  return new Map<unknown, object>([
    [SecretResolver, new SecretResolver(secrets)],
    [SecretVersionResolver, new SecretVersionResolver(secretVersions, dependents)],
    [AgentResolver, new AgentResolver(agents, certificates)],
    [PolicyResolver, new PolicyResolver(policies)],
    [ApprovalResolver, new ApprovalResolver(services.approvals)],
    [RouteResolver, new RouteResolver(routes)],
    [RotationResolver, new RotationResolver(services.rotations)],
    [BackupResolver, new BackupResolver(services.backups)],
    [PlanResolver, new PlanResolver(plans)],
    [AuditResolver, new AuditResolver(audit)],
    [AuditTrailResolver, new AuditTrailResolver(services.trail)],
    [WorkerResolver, new WorkerResolver(workers)],
    [PolicyImpactResolver, new PolicyImpactResolver(services.impacts)],
    [ReachResolver, new ReachResolver(services.reach)],
    [TrafficResolver, new TrafficResolver(services.traffic)],
    [SimulationResolver, new SimulationResolver(services.simulations)],
    [KeysResolver, new KeysResolver(keys)],
    [AuthorityResolver, new AuthorityResolver(services.authorities)],
    [UserResolver, new UserResolver(users, passwords, refused)],
    [SessionResolver, new SessionResolver(sessions)],
    [ApiKeyResolver, new ApiKeyResolver(apiKeys)],
    [AdminEventResolver, new AdminEventResolver(adminEvents)],
  ]);
}

/** Apollo's own messages may quote a request: of them only the first line's head is logged. */
function quiet(log: Logger) {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (message: unknown) =>
    log[level](
      { from: 'apollo' },
      typeof message === 'string' ? (message.split('\n')[0] ?? '').slice(0, 120) : 'a message',
    );
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
