import { z } from 'zod';
import { labels, plainName } from '../configuration/input-parts.ts';

const tokenIdentity = z.strictObject({ token: z.strictObject({}) });

/** A new agent. It has one identity, a token. */
export const newAgentInput = z.strictObject({
  name: plainName,
  labels: labels.default({}),
  identities: z
    .array(tokenIdentity)
    .length(1, 'must have exactly one identity')
    .default([{ token: {} }]),
});

/** A change of an agent; what is absent stays as it is. `labels` replaces all of them. */
export const agentUpdateInput = z.strictObject({ labels: labels.optional(), isDisabled: z.boolean().optional() });
