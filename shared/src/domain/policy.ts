import type { AgentSelector } from './agent-selector.ts';

/** One rule as it is stored. Deny wins over allow; what no rule allows is denied. */
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
}

/** A named set of rules for the agents that it selects. */
export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly agents: readonly AgentSelector[];
  readonly rules: readonly Rule[];
}

/** The part of a policy that is sealed at rest. */
export type PolicyBody = Pick<Policy, 'agents' | 'rules'>;
