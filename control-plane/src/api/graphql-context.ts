import type { Principal } from '../auth/principal.ts';

/** What resolvers know of the request. */
export interface GraphqlContext {
  readonly principal: Principal;
  readonly requestId: string;
}
