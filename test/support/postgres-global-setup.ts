import type { TestProject } from 'vitest/node';
import { throwawayPostgres } from '../../infra/embedded/src/testing/throwaway-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the run's own Postgres, of a database that only serves to make others: see fresh-database.ts. */
    postgresUrl: string;
  }
}

/** One Postgres for all suites of the run; vitest calls what this gives when the run is over. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await throwawayPostgres();
  project.provide('postgresUrl', server.url);
  return server.stop;
}
