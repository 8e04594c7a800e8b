import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync, getMetadataStorage } from 'type-graphql';
import { AgentResolver } from '../agents/agent.resolver.ts';
import { AdminEventResolver } from '../auth/events/admin-event.resolver.ts';
import { ApiKeyResolver } from '../auth/keys/api-key.resolver.ts';
import { SessionResolver } from '../auth/sessions/session.resolver.ts';
import { UserResolver } from '../auth/users/user.resolver.ts';
import { ApprovalResolver } from '../approvals/approval.resolver.ts';
import { AuthorityResolver } from '../authority/authority.resolver.ts';
import { BackupResolver } from '../backup/backup.resolver.ts';
import { addWait } from './add-wait.ts';
import { AuditResolver } from '../audit/audit.resolver.ts';
import { AuditTrailResolver } from '../audit/trail/trail.resolver.ts';
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

/** One instance of each resolver class. */
export type Resolvers = ReadonlyMap<unknown, object>;

/** The GraphQL schema. Without instances it can be printed, and not be run. */
export function buildSchema(resolvers: Resolvers = new Map()): GraphQLSchema {
  readFieldsPlainly();
  const schema = buildSchemaSync({
    resolvers: [
      SecretResolver,
      SecretVersionResolver,
      AgentResolver,
      PolicyResolver,
      ApprovalResolver,
      RouteResolver,
      RotationResolver,
      BackupResolver,
      AuditResolver,
      AuditTrailResolver,
      WorkerResolver,
      TrafficResolver,
      ReachResolver,
      PolicyImpactResolver,
      SimulationResolver,
      KeysResolver,
      AuthorityResolver,
      UserResolver,
      SessionResolver,
      ApiKeyResolver,
      AdminEventResolver,
      PlanResolver,
    ],
    container: { get: (wanted) => resolvers.get(wanted) },
    // Every subscription has a source of its own; type-graphql asks for this all the same.
    pubSub: { publish: noTopics, subscribe: noTopics },
    // The services check every input by their own schemas.
    validate: false,
  });
  return addWait(schema);
}

/**
 * A field that has no method of its own is read by graphql-js itself. type-graphql would make a promise for each: of a page of
 * policies for tens of thousands.
 */
function readFieldsPlainly(): void {
  for (const type of getMetadataStorage().objectTypes) type.simpleResolvers = true;
}

function noTopics(): never {
  throw new Error('Subscriptions have sources, and no topics');
}
