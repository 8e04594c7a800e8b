import { writeFileSync } from 'node:fs';
import { schemaFile, schemaText } from './schema-text.ts';

// Writes control-plane/schema.graphql: `npm run schema`.
writeFileSync(schemaFile, schemaText());
