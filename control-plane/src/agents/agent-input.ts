import { z } from 'zod';
import { labels, plainName } from '../configuration/input-parts.ts';
import { identities } from './identity-input.ts';

/** A new agent. One that names no identity gets a token. */
export const newAgentInput = z.strictObject({
  name: plainName,
  labels: labels.default({}),
  identities: identities.default([{ token: {} }]),
});

/** A change of an agent; what is absent stays as it is. `labels` and `identities` replace all of them. */
export const agentUpdateInput = z.strictObject({
  labels: labels.optional(),
  isDisabled: z.boolean().optional(),
  identities: identities.optional(),
});
