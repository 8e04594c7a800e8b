import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { throwawayPostgres } from '../../infra/embedded/src/testing/throwaway-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the run's own Postgres, of a database that only serves to make others: see fresh-database.ts. */
    postgresUrl: string;
    /** The planes as programs, of the sources as they are. */
    planes: { controlPlane: string; worker: string };
  }
}

const path = (fromRoot: string): string => fileURLToPath(new URL(`../../${fromRoot}`, import.meta.url));

/** One Postgres for all suites of the run, and the planes; vitest calls what this gives when the run is over. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, planes] = await Promise.allSettled([throwawayPostgres(), bundlePlanes()]);
  const end = async () => {
    try {
      if (planes.status === 'fulfilled') await planes.value.remove();
    } finally {
      if (server.status === 'fulfilled') await server.value.stop();
    }
  };
  if (server.status === 'fulfilled' && planes.status === 'fulfilled') {
    project.provide('postgresUrl', server.value.url);
    project.provide('planes', planes.value.programs);
    return end;
  }
  // What did start would outlive a run that does not begin.
  await end();
  throw server.status === 'rejected' ? server.reason : (planes as PromiseRejectedResult).reason;
}

/** A process that loads each source by itself takes twice as long to start as one that loads a bundle of them. */
async function bundlePlanes() {
  const name = `bundle-of-sources-${randomBytes(4).toString('hex')}`;
  const folders = ['control-plane', 'data-plane'].map((workspace) => path(`${workspace}/dist/${name}`));
  await promisify(execFile)(process.execPath, [path('infra/tools/bundle.mjs'), name]);
  const [controlPlane = '', worker = ''] = folders.map((folder) => `${folder}/main.js`);
  const remove = () => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  return { programs: { controlPlane, worker }, remove };
}
