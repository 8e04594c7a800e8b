import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Start the whole product in each file. */
const wholeProduct = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/**
 * Unit tests lie beside the code; whole-product suites lie in test/. `--project unit` is the inner loop.
 * Files wait much of their time, for processes, databases and one another's answers: more go beside one another than the two cores of the
 * machines that they are run on. All projects are of one group, one after another by name: the many short files of `unit` come last, so
 * that no long file is left to run alone, neither at the end nor between.
 * Files of `isolate: false` share their modules, which would take longer to load than the tests to run: each cleans up what it changes.
 */
export default defineConfig({
  root,
  resolve: { conditions: ['source', 'node'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: {
    maxWorkers: 3,
    // A second, as by default, a busy machine may need for one look.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{shared,data-plane,control-plane,cli,dashboard,infra/embedded}/src/**/*.test.ts'],
          exclude: ['**/*.{pg,redis}.test.ts', '**/dist/**'],
          testTimeout: 30_000,
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'pg',
          include: ['{shared,data-plane,control-plane,infra/embedded}/src/**/*.pg.test.ts'],
          exclude: ['**/dist/**'],
          globalSetup: [fileURLToPath(new URL('support/postgres-global-setup.ts', import.meta.url))],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'redis',
          include: ['{shared,data-plane,control-plane,infra/embedded}/src/**/*.redis.test.ts'],
          exclude: ['**/dist/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'fuzz',
          include: ['test/{fuzz,differential,deploy}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          ...wholeProduct,
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          ...wholeProduct,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          ...wholeProduct,
        },
      },
      {
        extends: true,
        test: {
          name: 'attack',
          include: ['test/{attack,leak}/**/*.test.ts'],
          ...wholeProduct,
        },
      },
    ],
  },
});
