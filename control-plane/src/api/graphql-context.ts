import type { Principal } from '../auth/principal.ts';
import type { Services } from './services.ts';
import type { AppliedWait } from '../workers/applied-wait.ts';

/** What resolvers know of the request. */
export interface GraphqlContext {
  readonly principal: Principal;
  readonly requestId: string;
  readonly applied: AppliedWait;
  /** For subscriptions, whose sources are made without an instance of their resolver. */
  readonly services: GraphqlServices;
}

export type GraphqlServices = Pick<Services, 'audit' | 'workers' | 'applied'>;

/** What the source of a subscription is made of. */
export interface SubscriptionArguments<Args> {
  readonly args: Args;
  readonly context: GraphqlContext;
}
