import type { ApolloClient } from '@apollo/client';
import { parse } from 'yaml';
import { type PlanPolicyMutation, ApplyPolicyDocument, PlanPolicyDocument } from '../../gql/graphql.ts';
import { writeErrorText } from '../../ui/problem.tsx';

export type PolicyChange = PlanPolicyMutation['plan']['changes'][number];

export type PolicyPlan =
  | {
      readonly kind: 'plan';
      readonly config: Config;
      readonly planHash: string;
      readonly changes: readonly PolicyChange[];
    }
  | { readonly kind: 'refused'; readonly problem: string };

interface Config {
  readonly policies: unknown[];
}

/**
 * What a policy, written as in a file, would change. It changes nothing. `name` is of the policy that the text is of; undefined: of a new
 * one, and one that is there stays as it is.
 */
export async function planPolicy(client: ApolloClient, text: string, name: string | undefined): Promise<PolicyPlan> {
  const policy = readPolicy(text);
  if (typeof policy === 'string') return { kind: 'refused', problem: policy };
  if (name !== undefined && policy['name'] !== name) return { kind: 'refused', problem: otherName(name) };
  const config = { policies: [policy] };
  const variables = { config };
  const { data } = await client.mutate({ mutation: PlanPolicyDocument, variables, fetchPolicy: 'no-cache' });
  if (data == null) return { kind: 'refused', problem: 'The control plane gave no plan.' };
  const { errors, changes, planHash } = data.plan;
  const faults = [...errors, ...changes.flatMap(({ refused }) => refused ?? [])];
  if (faults.length > 0 || planHash === null) return { kind: 'refused', problem: writeErrorText(faults) };
  const there = changes.find(({ action }) => action !== 'CREATE');
  if (name === undefined && there !== undefined)
    return {
      kind: 'refused',
      problem: `There is already a policy ${there.name}. Choose another name, or change that one.`,
    };
  return { kind: 'plan', config, planHash, changes: changes.filter(({ action }) => action !== 'NONE') };
}

function otherName(name: string): string {
  return `The name has to stay ${name}: under another it would be one more policy, and ${name} would go on as it is. Make a new policy, and delete this one.`;
}

/** Does a plan. Gives what is wrong, or undefined. */
export async function applyPolicy(
  client: ApolloClient,
  { config, planHash }: Extract<PolicyPlan, { kind: 'plan' }>,
): Promise<string | undefined> {
  const variables = { config, planHash };
  const { data } = await client.mutate({ mutation: ApplyPolicyDocument, variables, fetchPolicy: 'no-cache' });
  const errors = data?.apply.errors ?? [];
  return errors.length > 0 ? writeErrorText(errors) : undefined;
}

/** One policy, or what is wrong with the text. */
export function readPolicy(text: string): Readonly<Record<string, unknown>> | string {
  try {
    const policy: unknown = parse(text);
    const isObject = typeof policy === 'object' && policy !== null && !Array.isArray(policy);
    return isObject ? (policy as Record<string, unknown>) : 'Expected one policy: name, agents, rules.';
  } catch (error) {
    return error instanceof Error ? error.message : 'This is no YAML.';
  }
}
