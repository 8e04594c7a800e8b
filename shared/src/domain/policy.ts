import type { AgentSelector } from './agent-selector.ts';
import type { TimeWindow } from './time-window.ts';

/** So many requests in so many seconds; counted for each agent by itself, or for all agents of the rule together. */
export interface RateLimit {
  readonly requests: number;
  readonly perSeconds: number;
  readonly by: 'agent' | 'rule';
}

/** A person has to approve requests of an agent that the rule covers before they pass, whatever other rules allow. */
export interface ApprovalAsked {
  /** Tells the rule from what it was before it was changed: who approved that one has not approved this one. */
  readonly key: string;
}

/** What a person has approved: an allow rule of one agent that covers nothing and lifts what another rule asks. */
export interface Lift {
  /** `policy id/key` of the rule that asks. */
  readonly asked: string;
  readonly hosts: readonly string[];
  /** None: every path, every method. */
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  /** When it ends, milliseconds since the epoch. */
  readonly untilMs: number;
}

/** One rule as it is stored. Deny wins over allow; what no rule allows is denied. What is absent does not limit. */
export interface Rule {
  readonly effect: 'allow' | 'deny';
  /** Host patterns; see host-pattern.ts. Never empty. */
  readonly hosts: readonly string[];
  /** Path patterns; none means every path. */
  readonly paths: readonly string[];
  /** HTTP methods in upper case; none means every method. */
  readonly methods: readonly string[];
  /** Names of the secrets that an allow rule grants. Always empty on a deny rule. */
  readonly secrets: readonly string[];
  /** When the rule is in force: in any of these. Absent means always. */
  readonly windows?: readonly TimeWindow[];
  readonly rateLimit?: RateLimit;
  /** Requests of one agent that may be under way at once under this rule. */
  readonly maxConcurrent?: number;
  readonly maxBodyBytes?: number;
  /** The host is passed through, byte by byte: not intercepted, and without credentials. */
  readonly tunnel?: true;
  /** HTTP/2 is offered to agents that ask for it. */
  readonly http2?: true;
  /** Plain HTTP inside a CONNECT is served. */
  readonly plainHttp?: true;
  readonly approval?: ApprovalAsked;
  /** Set on rules of approvals alone, which have no host of their own. */
  readonly lifts?: Lift;
}

/** `monitor`: what the policy would deny passes, and is recorded. */
export type PolicyMode = 'enforce' | 'monitor';

/** A named set of rules for the agents that it selects. */
export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly agents: readonly AgentSelector[];
  readonly rules: readonly Rule[];
  /** Absent means `enforce`. */
  readonly mode?: PolicyMode;
}

/** The part of a policy that is sealed at rest. */
export type PolicyBody = Pick<Policy, 'agents' | 'rules' | 'mode'>;
