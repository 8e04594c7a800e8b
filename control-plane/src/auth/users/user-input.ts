import { z } from 'zod';
import { assignmentsInput } from './assignment-input.ts';

/** As ONECLI_ADMIN_USER. A colon would end it in Basic credentials. */
const userName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, 'must be letters, digits and `.`, `_`, `@`, `-`, at most 128');

export const invitationInput = z.strictObject({ name: userName, roles: assignmentsInput });

export const userUpdateInput = z.strictObject({
  roles: assignmentsInput.optional(),
  isDisabled: z.boolean().optional(),
});

/** A password that is checked by its own rule afterwards: this bounds what the rule has to look at. */
const password = z.string().max(1024, 'must have at most 1024 characters');

export const newPasswordInput = z.strictObject({
  token: z.string().min(1, 'must not be empty').max(200, 'is no such token'),
  password,
});

export const passwordChangeInput = z.strictObject({ currentPassword: password, password });

export const loginInput = z.strictObject({
  user: z.string().max(1024, 'must have at most 1024 characters'),
  password,
  /** Give the session's token in the answer's body, and no cookie: for clients that are no browser. */
  token: z.boolean().default(false),
});
