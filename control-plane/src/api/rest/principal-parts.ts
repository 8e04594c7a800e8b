import { z } from 'zod';
import { actions, type Action, roles as roleNames } from '../../auth/actions.ts';
import { texts } from './answer-parts.ts';

/** Roles as they are shown. */
export const roles = z.array(
  z.strictObject({
    role: z.enum(roleNames),
    environments: texts.meta({ description: 'Names of environments, or `*` alone for every one.' }),
  }),
);

export const isHeld = z
  .boolean()
  .meta({ description: 'It came back by a restore: it lets nobody in until that is confirmed.' });

export const actionName = z.enum(actions as readonly [Action, ...Action[]]);
