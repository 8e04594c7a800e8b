import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { toFault } from './api/to-fault.ts';
import type { Foundation } from './build.ts';
import type { Config } from './config.ts';
import { settleWriteOrder } from './audit/write-order.ts';
import { createDataSource } from './database/data-source.ts';
import { renewWorkerRoles } from './database/worker-role.ts';
import { InstanceService } from './instance/instance.service.ts';

const patienceMs = 60_000;
const retryMs = 250;

/**
 * Opens the database and its instance. A database that cannot be reached yet is tried again for a minute.
 * @throws InstanceFault for a wrong master key; the last error when the minute is over or `stopping` aborts
 */
export async function openFoundation(config: Config, log: Logger, stopping: AbortSignal): Promise<Foundation> {
  const database = createDataSource({
    connectionString: config.databaseUrl,
    connectionLost: (error) => log.warn({ err: error }, 'a database connection was lost'),
  });
  await connect(database, log, stopping);
  try {
    const keys = await new InstanceService(database, log).open(config.masterKey);
    await renewWorkerRoles(database, log);
    const ahead = await settleWriteOrder(database);
    if (ahead > 0n)
      log.warn(
        { ahead: String(ahead) },
        'the database is on another server than before: the order of audit events goes on',
      );
    return { database, keys };
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

async function connect(database: DataSource, log: Logger, stopping: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  let isTold = false;
  for (;;) {
    try {
      await database.initialize();
      return;
    } catch (error) {
      if (toFault(error).code !== 'NOT_READY' || performance.now() > deadlineMs || stopping.aborted) throw error;
      if (!isTold) log.warn({ err: error }, 'the database cannot be reached; trying again for a minute');
      isTold = true;
      await setTimeout(retryMs, undefined, { signal: stopping });
    }
  }
}
