import { parse } from 'yaml';
import type { PolicyInput } from '../../gql/graphql.ts';

type Part = Readonly<Record<string, unknown>>;

/** One policy of a YAML text, or what is wrong with the text. */
export function parsePolicy(text: string): Part | string {
  try {
    const policy: unknown = parse(text);
    return isPart(policy) ? policy : 'Expected one policy: name, agents, rules.';
  } catch (error) {
    return error instanceof Error ? error.message : 'This is no YAML.';
  }
}

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
    ...(Array.isArray(windows) && { windows: windows.map(windowOf) }),
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

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
