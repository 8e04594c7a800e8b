import { z } from 'zod';
import { labels, plainName } from '../configuration/input-parts.ts';
import { identities } from './identity-input.ts';

const fields = { labels, isDisabled: z.boolean(), identities };

/** A new agent. One that names no identity gets a token. */
export const newAgentInput = z.strictObject({
  name: plainName,
  labels: labels.default({}),
  identities: identities.default([{ token: {} }]),
});

/** A change of an agent; what is absent stays as it is. `labels` and `identities` replace all of them. */
export const agentUpdateInput = z.strictObject(fields).partial();

/** What an agent is to be, whether it is there or not: null is the default. */
export const agentUpsertInput = z
  .strictObject({
    name: plainName,
    labels: labels.nullable(),
    isDisabled: z.boolean().nullable(),
    identities: identities.nullable(),
  })
  .partial();

export type AgentUpdate = Omit<z.output<typeof agentUpsertInput>, 'name'>;
