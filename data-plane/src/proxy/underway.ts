/** What is kept of a request while it is under way, to ask again whether it may go on. */
import type { Identity } from '../identity/identify.ts';
import type { StrictRequest } from './strict-request.ts';

/** A request that is under way, without the configuration that it began under: that one may be gone before its end. */
export interface Underway {
  readonly identity: Identity;
  readonly request: StrictRequest;
  /** Of the path as it left. */
  readonly readings: readonly string[];
}

/** Why an agent's connection or request is ended that had been allowed. */
export type Withdrawal = 'PROXY_AUTH_INVALID' | 'POLICY_DENIED';
