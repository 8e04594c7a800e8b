import { setTimeout as pause } from 'node:timers/promises';
import { hideCredentials } from '@onecli/shared/hide-credentials';
import type { ShownSetting } from '@onecli/shared/shown-settings';
import { productVersion } from '@onecli/shared/version';
import type { DataSource } from 'typeorm';
import { toFault } from '../api/to-fault.ts';
import { insertDone } from '../auth/events/admin-event-store.ts';
import type { AdminEventService } from '../auth/events/admin-event.service.ts';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { appliedMigrations } from '../backup/backup-tables.ts';
import type { Health } from '../health/health-check.ts';
import type { KeysService } from '../keys/keys.service.ts';
import type { WorkerService } from '../workers/worker.service.ts';
import { measureDatabase, measureTables } from './measure-database.ts';

const patienceMs = 10_000;
const maxWorkers = 200;
const maxEvents = 200;

/** One part of a bundle: what was found, or why it is not there. */
export interface BundlePart {
  readonly name: string;
  readonly content?: unknown;
  readonly missing?: string;
}

export interface BundleSources {
  readonly database: DataSource;
  readonly settings: readonly ShownSetting[];
  readonly health: { look(): Promise<Health> };
  readonly workers: Pick<WorkerService, 'list'>;
  readonly keys: Pick<KeysService, 'status'>;
  readonly adminEvents: Pick<AdminEventService, 'list'>;
  readonly metricsText: () => Promise<string>;
}

/** What an operator attaches to a ticket, as far as the control plane has it. */
export class SupportBundleService {
  readonly #sources: BundleSources;

  constructor(sources: BundleSources) {
    this.#sources = sources;
  }

  /**
   * Every part that can be had now; one that fails, or takes longer than ten seconds, says so. Parts that the principal may not read
   * by themselves are missing. No part has a secret: nothing sealed is opened, and all of it goes through what hides credentials. That
   * it was asked for is recorded first, also while a change of the configuration is stuck.
   * @throws Fault FORBIDDEN
   */
  async create(principal: Principal): Promise<{ readonly createdAt: Date; readonly parts: readonly BundlePart[] }> {
    authorize(principal, 'support-bundle:create');
    const act = { action: 'support-bundle:create', objectKind: 'support-bundle', objectName: '' };
    await this.#sources.database.transaction((manager) => insertDone(manager, principal, undefined, [act]));
    const parts = await Promise.all(Object.entries(this.#looks(principal)).map(([name, look]) => partOf(name, look)));
    return { createdAt: new Date(), parts };
  }

  #looks(principal: Principal): Readonly<Record<string, () => Promise<unknown>>> {
    const { database, settings, health, workers, keys, adminEvents, metricsText } = this.#sources;
    return {
      process: () => Promise.resolve(describeProcess()),
      settings: () => Promise.resolve(settings),
      health: () => health.look(),
      workers: async () => (await workers.list(principal, { limit: maxWorkers })).items,
      keys: async () => withoutHiddenNames(await keys.status(principal)),
      migrations: async () => ({
        applied: await appliedMigrations(database.manager),
        known: database.migrations.map(({ name }) => name),
      }),
      database: () => measureDatabase(database),
      tables: () => measureTables(database),
      'admin-events': async () => (await adminEvents.list(principal, {}, { limit: maxEvents })).items.map(showEvent),
      metrics: metricsText,
    };
  }
}

async function partOf(name: string, look: () => Promise<unknown>): Promise<BundlePart> {
  const patience = new AbortController();
  try {
    const late = pause(patienceMs, undefined, { signal: patience.signal }).then(() => {
      throw new Error('late');
    });
    late.catch(() => undefined);
    return { name, content: hideCredentials(await Promise.race([look(), late])) };
  } catch (error) {
    if (error instanceof Error && error.message === 'late')
      return { name, missing: `it took more than ${patienceMs / 1_000} s` };
    const { code, message } = toFault(error);
    return { name, missing: `${code}: ${message}` };
  } finally {
    patience.abort();
  }
}

function describeProcess(): object {
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  return {
    onecli: productVersion,
    node: process.version,
    platform: process.platform,
    architecture: process.arch,
    openssl: process.versions.openssl,
    upSeconds: Math.round(process.uptime()),
    memoryBytes: { rss, heapUsed, heapTotal },
    time: new Date(),
  };
}

/** What hides credentials goes by the names of fields, and would take counts of sealed values for sealed values. */
function withoutHiddenNames({ sealed, ...rest }: Awaited<ReturnType<KeysService['status']>>): object {
  return { ...rest, valuesByTerm: sealed };
}

/**
 * An event without its detail and its address; of a refused try also without the object's name, which is whatever somebody typed.
 */
function showEvent({ event }: Awaited<ReturnType<AdminEventService['list']>>['items'][number]): object {
  const { time, principal, action, objectKind, objectName, outcome, reason, requestId, revision } = event;
  const object = outcome === 'done' ? { objectName } : {};
  return { time, principal, action, objectKind, ...object, outcome, reason, requestId, revision };
}
