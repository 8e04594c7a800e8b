// Bundles the programs of the two planes, so that a process starts by reading a few files rather than two thousand: half of its start
// was finding and reading modules. Runs after tsc, on what it wrote. Run directly it bundles at once; with a name it bundles, for tests,
// the sources as they are, into folders of that name.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const thread = 'shared/dist/adapters/queue/audit-queue-thread.js';

/**
 * By the workspace that has them. A bundle lies one folder below `dist`, as deep as most modules: what they find from where they
 * are, they find from there.
 */
const programs = {
  'data-plane': { main: 'data-plane/dist/main.js', 'audit-queue-thread': thread },
  'control-plane': {
    main: 'control-plane/dist/main.js',
    maintain: 'control-plane/dist/maintain.js',
    'audit-queue-thread': thread,
  },
};

/** Loaded from node_modules when they are needed: by the way they are set up, or because hardly any installation uses them. */
const packagesApart = [
  'bullmq',
  'ioredis',
  '@opentelemetry/*',
  'pg-native',
  'pino-pretty',
  'bufferutil',
  'utf-8-validate',
  // Its class is not found again behind a bundled `import()`.
  '@zxcvbn-ts/*',
];

/** What TypeORM asks for by name when another database is chosen. */
const otherDatabases = [
  '@google-cloud/spanner',
  '@sap/hana-client',
  'better-sqlite3',
  'expo-sqlite',
  'hdb-pool',
  'mongodb',
  'mssql',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-query-stream',
  'react-native-sqlite-storage',
  'redis',
  'sql.js',
  'sqlite3',
  'ts-node',
  'typeorm-aurora-data-api-driver',
];

/** Where the bundle of a workspace is, from the root. */
export const bundleFolder = (workspace, name = 'bundle') => `${workspace}/dist/${name}`;
export const bundledWorkspaces = Object.keys(programs);

/** Packages that are loaded so, and whose names nobody takes from what comes. */
const bareImports = /node_modules\/(graphql|class-validator)\//;

/**
 * `import()` of a CommonJS package gives all its names outside of a bundle, and in one only `default`: who takes a name finds nothing,
 * and only when it is used. Such a package belongs to those apart. @throws Error that names it
 */
function refuseBareImports(outputs) {
  for (const { imports } of Object.values(outputs))
    for (const { kind, path } of imports) {
      const { exports = [], entryPoint = '' } = (kind === 'dynamic-import' && outputs[path]) || {};
      if (exports.length === 1 && exports[0] === 'default' && !bareImports.test(entryPoint))
        throw new Error(`${entryPoint}: its names are lost in the bundle; name its package in packagesApart`);
    }
}

const sourceOf = (path) => path.replace('/dist/', '/src/').replace(/\.js$/, '.ts');

/** @throws what esbuild throws, which has told it on stderr */
async function bundlePrograms(nameForSources) {
  const { build } = await import('esbuild');
  for (const [workspace, entryPoints] of Object.entries(programs)) {
    const outdir = bundleFolder(workspace, nameForSources);
    rmSync(join(root, outdir), { recursive: true, force: true });
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: Object.entries(entryPoints).map(([out, path]) => ({
        out,
        in: nameForSources === undefined ? path : sourceOf(path),
      })),
      ...(nameForSources !== undefined && { conditions: ['source'] }),
      outdir,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      chunkNames: 'chunk-[hash]',
      // Entities, migrations and GraphQL types are known by the names of their classes.
      keepNames: workspace === 'control-plane',
      external: [...packagesApart, ...otherDatabases],
      // For what packages that are CommonJS require.
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
      },
      legalComments: 'none',
      logLevel: 'warning',
      metafile: true,
    });
    refuseBareImports(metafile.outputs);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundlePrograms(process.argv[2]);
