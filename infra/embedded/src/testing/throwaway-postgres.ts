import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../embedded-postgres.ts';

/** Several test files at once have pools of their own, of whole products among them. */
const maxConnections = 200;

/** Starts a server with an empty data folder for tests. `stop` ends it and deletes everything. */
export async function throwawayPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'onecli-pg-'));
  const deleteFolder = () => rm(dataDir, { recursive: true, force: true });
  try {
    const server = await startPostgres({ dataDir, isDurable: false, maxConnections });
    const stop = async () => {
      await server.stop();
      await deleteFolder();
    };
    return { url: server.url, stop };
  } catch (error) {
    await deleteFolder();
    throw error;
  }
}
