import { z } from 'zod';
import { plainName } from '../../configuration/input-parts.ts';
import { type Action, actions } from '../actions.ts';
import { assignmentsInput, environmentName } from '../users/assignment-input.ts';

const maxDays = 3650;
const defaultDays = 90;
const actionNames = actions as readonly [Action, ...Action[]];

/** A new API key. What is absent limits it no further than its owner is. */
export const newApiKeyInput = z.strictObject({
  name: plainName,
  /** Its roles; absent: those that its owner has at the time of each call. */
  roles: assignmentsInput.nullish().transform((roles) => roles ?? null),
  /** Of what its roles let it do, these actions alone. */
  actions: z
    .array(z.enum(actionNames, 'must be an action such as `secret:read`'))
    .min(1, 'must name at least one action, or be absent')
    .transform((list) => [...new Set(list)].sort())
    .nullish()
    .transform((list) => list ?? null),
  /** In these environments alone. */
  environments: z
    .array(environmentName)
    .min(1, 'must name at least one environment, or be absent')
    .max(50, 'must be at most 50 environments')
    .transform((list) => [...new Set(list)].sort())
    .nullish()
    .transform((list) => list ?? null),
  /** Null: it never expires. */
  expiresInDays: z
    .int()
    .min(1, 'must be at least 1')
    .max(maxDays, `must be at most ${maxDays}`)
    .nullable()
    .default(defaultDays),
});
