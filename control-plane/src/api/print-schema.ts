import { writeFileSync } from 'node:fs';
import { fileSchemaFile, fileSchemaText } from '../plan/file-schema.ts';
import { schemaFile, schemaText } from './schema-text.ts';

// Writes control-plane/schema.graphql and docs/onecli.schema.json: `npm run schema`.
writeFileSync(schemaFile, schemaText());
writeFileSync(fileSchemaFile, fileSchemaText());
