import { selectorOf, selectorPicks } from '@onecli/shared/domain/agent-selector';
import type { PolicyRowFragment } from '../../gql/graphql.ts';
import { ruleName } from '../../ui/rule-name.ts';

type ExtendedPolicy = Pick<PolicyRowFragment, 'name' | 'mode' | 'agents'>;
type Labels = readonly { readonly key: string; readonly value: string }[];

interface AllowedAgent {
  readonly name: string;
  /** Undefined: they are not known. */
  readonly labels: Labels | undefined;
}

/** Why a rule that is added to a policy would not do for an agent what whoever adds it expects. */
export function allowWarnings(policy: ExtendedPolicy | null, agent: AllowedAgent): string[] {
  if (policy === null) return [];
  const isPicked = policy.agents.some((selector) => picks(selector, agent));
  const isAlone = policy.agents.every(({ name }) => name === agent.name);
  return [
    ...(isPicked ? [] : [notPicked(policy, agent)]),
    ...(isPicked && !isAlone ? [others(policy)] : []),
    ...(policy.mode === 'MONITOR' ? [monitored(policy.name, agent.name)] : []),
  ];
}

/** Why a rule that allows does nothing for a request. */
export function deniedWarnings(deniedBy: readonly string[]): string[] {
  return deniedBy.map(
    (rule) =>
      `The request is denied by ${ruleName(rule)}, and a rule that denies wins over every rule that allows. While it is there, the request stays denied: change it, or take it away.`,
  );
}

function others({ name, agents }: ExtendedPolicy): string {
  const all = agents.map(
    (one) => one.name ?? (one.labels ?? []).map(({ key, value }) => `${key}=${value}`).join(' and '),
  );
  return `The policy ${name} selects ${all.join(', ')}: the rule allows this to all of these.`;
}

function picks({ name, labels }: ExtendedPolicy['agents'][number], agent: AllowedAgent): boolean {
  const found = { name: agent.name, labels: labelRecord(agent.labels) };
  const selector = name === null ? ({ kind: 'labels', labels: labelRecord(labels) } as const) : selectorOf(name);
  return selectorPicks(selector, found);
}

function labelRecord(labels: Labels | null | undefined): Record<string, string> {
  return Object.fromEntries((labels ?? []).map(({ key, value }) => [key, value]));
}

function notPicked({ name, agents }: ExtendedPolicy, agent: AllowedAgent): string {
  const others =
    agents.length === 0 ? 'The policy selects nobody' : 'It would allow this to the agents that the policy selects';
  const isUnknown = agent.labels === undefined && agents.some(({ labels }) => labels !== null);
  const what = isUnknown
    ? `The policy ${name} selects agents by labels, and those of ${agent.name} are not known: the rule may do nothing for it.`
    : `The policy ${name} does not select ${agent.name}: the rule does nothing for it.`;
  return `${what} ${others}. Look at the agents of the policy first.`;
}

function monitored(name: string, agent: string): string {
  return `The policy ${name} is in monitor mode: the rule allows, and the policy holds nothing back. What it denies or limits passes and is recorded, and so does what no rule allows, unless another policy that selects ${agent} is enforced.`;
}
