import type { ApolloClient } from '@apollo/client';
import { noteWritten } from '../../api/applied-note.ts';
import { ApplySetupDocument, PlanSetupDocument } from '../../gql/graphql.ts';
import { writeErrorText } from '../../ui/problem.tsx';

/** What a first request needs. */
export interface Setup {
  readonly secret: string;
  readonly value: string;
  readonly host: string;
  readonly agent: string;
}

export type Made =
  | { readonly kind: 'made'; readonly token: string }
  | { readonly kind: 'refused'; readonly problem: string };

/**
 * Makes the secret with its binding, the agent and the rule, in one revision or not at all. It changes nothing that is there: an
 * object of the same name is a refusal.
 */
export async function makeSetup(client: ApolloClient, setup: Setup): Promise<Made> {
  const config = configurationOf(setup);
  const planned = await client.mutate({ mutation: PlanSetupDocument, variables: { config }, fetchPolicy: 'no-cache' });
  const plan = planned.data?.plan;
  if (plan === undefined) return refused('The control plane gave no plan.');
  const there = plan.changes.filter(({ action }) => action !== 'CREATE');
  if (plan.errors.length > 0) return refused(writeErrorText(plan.errors));
  if (there.length > 0) {
    const names = there.map(({ kind, name }) => `${kind.toLowerCase()} ${name}`).join(', ');
    return refused(`There is already: ${names}. Choose another name, or go on with what is there.`);
  }
  if (plan.planHash === null) return refused(writeErrorText(plan.changes.flatMap(({ refused: why }) => why ?? [])));
  const variables = { config, planHash: plan.planHash };
  const applied = await client.mutate({ mutation: ApplySetupDocument, variables, fetchPolicy: 'no-cache' });
  const { errors = [], tokens = [] } = applied.data?.apply ?? {};
  const [made] = tokens;
  if (errors.length > 0 || made === undefined) return refused(writeErrorText(errors));
  noteWritten(applied.data?.apply ?? {});
  return { kind: 'made', token: made.token };
}

function configurationOf({ secret, value, host, agent }: Setup) {
  return {
    secrets: [{ name: secret, value, binding: { hosts: [host], surfaces: ['header', 'basic'] } }],
    agents: [{ name: agent, identities: [{ token: {} }] }],
    policies: [{ name: agent, agents: [agent], rules: [{ allow: { hosts: [host], secrets: [secret] } }] }],
  };
}

function refused(problem: string): Made {
  return { kind: 'refused', problem };
}
