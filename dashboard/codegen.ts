import type { CodegenConfig } from '@graphql-codegen/cli';

/** Makes `src/gql` from the schema and the documents beside the screens. `npm run check` finds one that is stale. */
const config: CodegenConfig = {
  schema: '../control-plane/schema.graphql',
  documents: 'src/**/*.graphql',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        scalars: { DateTimeISO: 'string', JSON: 'unknown' },
        onlyOperationTypes: true,
      },
    },
  },
};

// The tool looks for a default export.
// oxlint-disable-next-line import/no-default-export
export default config;
