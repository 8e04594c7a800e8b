import { fileURLToPath } from 'node:url';
import { apiVersion, managedByName, valueFrom } from '@onecli/shared/domain/configuration-file';
import { z } from 'zod';
import { objectSchemas } from './config-document.ts';

/** Where the JSON Schema of a file of configuration lies. */
export const fileSchemaFile = fileURLToPath(new URL('../../../docs/onecli.schema.json', import.meta.url));

const secret = objectSchemas.secrets.omit({ value: true }).extend({
  valueFrom: valueFrom.optional().meta({
    description: 'Where the command line takes the value from. Absent: the value that is stored stays.',
  }),
});

const file = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    managedBy: managedByName
      .optional()
      .meta({ description: 'The source that this file is. `--prune` removes only what the same source made.' }),
    secrets: z.array(secret).nullable().optional().meta({ description: 'Credentials that agents must not hold.' }),
    agents: z
      .array(objectSchemas.agents)
      .nullable()
      .optional()
      .meta({ description: 'Workloads, and what they are recognised by.' }),
    policies: z
      .array(objectSchemas.policies)
      .nullable()
      .optional()
      .meta({ description: 'Who may reach what. Deny wins; silence means deny.' }),
    routes: z
      .array(objectSchemas.routes)
      .nullable()
      .optional()
      .meta({ description: 'Secrets that are put into requests which hold no placeholder.' }),
  })
  .meta({ title: 'OneCLI configuration', description: 'What `onecli plan` and `onecli apply` take.' });

/** The JSON Schema of a file, for editors. Rules that it cannot tell are kept by the gateway all the same. */
export function fileSchemaText(): string {
  const schema = z.toJSONSchema(file, {
    io: 'input',
    unrepresentable: ({ zodSchema }) =>
      zodSchema._zod.def.type === 'date' ? { type: 'string', format: 'date-time' } : 'any',
  });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
