import { z } from 'zod';

/** The file of configuration as code: what the command line reads, and what its JSON Schema is made of. */
export const apiVersion = 'onecli/v1';

/** The lists of a file, in the order in which they are applied. */
export const sections = ['secrets', 'agents', 'policies', 'routes'] as const;
export type Section = (typeof sections)[number];

/** The name of a source of configuration, such as `github.com/acme/infra`. */
export const managedByName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._/-]{0,127}$/,
    'must be lower-case letters, digits, `.`, `_`, `/`, `-`, starting with a letter or digit, of at most 128',
  );

/** A variable of the gateway's own is never a secret's value: it would be sent wherever the secret is bound. */
const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable, like `STRIPE_KEY`')
  .refine((name) => !/^ONECLI_/i.test(name), 'must not be a setting of OneCLI itself');

/** Where the command line takes a secret's value from. A value itself never stands in a file. */
export const valueFrom = z.union(
  [
    z.strictObject({ env: variableName }),
    z.strictObject({ file: z.string().min(1, 'must not be empty').max(4096, 'is too long') }),
    z.strictObject({ stdin: z.literal(true, 'must be `true`') }),
  ],
  'must be one of {env: VARIABLE}, {file: PATH} and {stdin: true}',
);
export type ValueFrom = z.output<typeof valueFrom>;
