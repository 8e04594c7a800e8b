import type { PolicyInput } from '../../gql/graphql.ts';
import { type Part, isPart } from './parse-policy.ts';

/**
 * A policy as a file has it (docs/as-code.md), as the API takes it. What is wrong with it the API says, by the field. The text is the
 * whole policy: what it does not have is at its default afterwards, and not as it was.
 */
export function policyInputOf(policy: Part): PolicyInput {
  const { mode = 'enforce', agents = [], rules = [], ...rest } = policy;
  return {
    ...rest,
    mode: typeof mode === 'string' ? mode.toUpperCase() : mode,
    agents: Array.isArray(agents) ? agents.map(selectorOf) : agents,
    rules: Array.isArray(rules) ? rules.map(ruleOf) : rules,
  } as PolicyInput;
}

function selectorOf(agent: unknown): unknown {
  if (typeof agent === 'string') return { name: agent };
  if (!isPart(agent) || !isPart(agent['labels'])) return agent;
  const labels = Object.entries(agent['labels']).map(([key, value]) => ({ key, value: String(value) }));
  return { ...agent, labels };
}

function ruleOf(rule: unknown): unknown {
  if (!isPart(rule)) return rule;
  return Object.fromEntries(
    Object.entries(rule).map(([effect, part]) => [effect, isPart(part) ? effectOf(part) : part]),
  );
}

function effectOf({ windows, rateLimit, ...rest }: Part): Part {
  return {
    ...rest,
    ...(windows !== undefined && { windows: Array.isArray(windows) ? windows.map(windowOf) : windows }),
    ...(rateLimit !== undefined && { rateLimit: isPart(rateLimit) ? upper(rateLimit, 'by') : rateLimit }),
  };
}

function windowOf(window: unknown): unknown {
  if (!isPart(window) || !Array.isArray(window['days'])) return window;
  return { ...window, days: window['days'].map((day) => String(day).toUpperCase()) };
}

function upper(part: Part, key: string): Part {
  const value = part[key];
  return typeof value === 'string' ? { ...part, [key]: value.toUpperCase() } : part;
}
