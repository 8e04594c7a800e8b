import type { ApolloClient } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import {
  type PoliciesOfAgentQuery,
  type PolicyRowFragment,
  AgentLabelsDocument,
  PoliciesOfAgentDocument,
  PolicyDocument,
} from '../../gql/graphql.ts';
import { ruleParts } from '../../ui/rule-name.ts';

/** The policies that a rule for an agent could be put into. */
export type AgentPolicies =
  | { readonly kind: 'looking' }
  | { readonly kind: 'failed'; readonly cause: unknown }
  | {
      readonly kind: 'found';
      /** Those that select it, and one that has its name. */
      readonly policies: readonly PolicyRowFragment[];
      /** Undefined: the caller may not read them. */
      readonly labels: readonly { readonly key: string; readonly value: string }[] | undefined;
      /** The name of the policy that is for this agent alone; empty: there is none. */
      readonly best: string;
      /** A name for one of its own that is not taken. */
      readonly newName: string;
      /** The rules that deny the request: no other lets it pass. */
      readonly deniedBy: readonly string[];
    };

/** More are not offered: they are in the list of policies. */
const mostPolicies = 20;

/** Looks for the policies that say something of an agent's request. */
export function useAgentPolicies(agent: string, url: string, method: string): AgentPolicies {
  const client = useApolloClient();
  const [found, setFound] = useState<AgentPolicies>({ kind: 'looking' });
  useEffect(() => {
    let isOver = false;
    const tell = (next: AgentPolicies) => {
      if (!isOver) setFound(next);
    };
    look(client, agent, url, method)
      .then(tell)
      .catch((cause: unknown) => tell({ kind: 'failed', cause }));
    return () => {
      isOver = true;
    };
  }, [client, agent, url, method]);
  return found;
}

async function look(client: ApolloClient, agent: string, url: string, method: string): Promise<AgentPolicies> {
  const trace = await traceOf(client, agent, url, method);
  const selecting = trace.flatMap(({ rule }) => ruleParts(rule)?.policy ?? []);
  const names = new Set([agent, ...selecting].slice(0, mostPolicies));
  const [labels, ...read] = await Promise.all([
    labelsOf(client, agent),
    ...[...names].map((name) => readPolicy(client, name)),
  ]);
  const policies = read.filter((policy) => policy !== null);
  const own = policies.filter(({ agents }) => agents.length === 1 && agents[0]?.name === agent);
  const best = (own.find(({ name }) => name === agent) ?? own[0])?.name ?? '';
  const isTaken = policies.some(({ name }) => name === agent);
  const deniedBy = trace.filter(isDenying).map(({ rule }) => rule);
  return { kind: 'found', policies, labels, best, newName: isTaken ? `${agent}-more` : agent, deniedBy };
}

type Trace = PoliciesOfAgentQuery['simulate']['trace'];

function isDenying({ effect, match, isMonitored }: Trace[number]): boolean {
  return effect === 'DENY' && match === 'COVERS' && !isMonitored;
}

/** What the rules that are asked about a request of the agent say of it. */
async function traceOf(client: ApolloClient, agent: string, url: string, method: string): Promise<Trace> {
  const variables = { agent, url, method };
  // A target that is no URL, or an agent that is gone: then there is nothing to ask the gateway.
  const found = await client
    .query({ query: PoliciesOfAgentDocument, variables, fetchPolicy: 'no-cache' })
    .catch(() => undefined);
  return found?.data?.simulate.trace ?? [];
}

async function readPolicy(client: ApolloClient, name: string): Promise<PolicyRowFragment | null> {
  const { data } = await client.query({ query: PolicyDocument, variables: { name }, fetchPolicy: 'no-cache' });
  return data?.policy ?? null;
}

/** Who may not read agents can still add a rule. */
async function labelsOf(client: ApolloClient, name: string) {
  const found = await client
    .query({ query: AgentLabelsDocument, variables: { name }, fetchPolicy: 'no-cache' })
    .catch(() => undefined);
  return found?.data?.agent?.labels;
}
