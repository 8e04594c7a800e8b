import type { Principal } from '../auth/principal.ts';
import type { AppliedWait } from '../workers/applied-wait.ts';

/** What resolvers know of the request. */
export interface GraphqlContext {
  readonly principal: Principal;
  readonly requestId: string;
  readonly applied: AppliedWait;
}
