import type { Fault } from '@onecli/shared/fault';
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

/** Who called, and in which request. */
export function callerOf({ principal, requestId }: GraphqlContext) {
  return { principal, address: principal.origin?.address ?? '', requestId };
}

/** Records a refusal that the payload of a write tells: of errors of the request each is recorded anyway. */
export type NoteRefusal = (fault: Fault, context: GraphqlContext) => Promise<void>;

export type GraphqlServices = Pick<Services, 'approvals' | 'audit' | 'workers' | 'applied'>;

/** What the source of a subscription is made of. */
export interface SubscriptionArguments<Args> {
  readonly args: Args;
  readonly context: GraphqlContext;
}
