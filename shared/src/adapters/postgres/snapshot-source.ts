import { Pool, type PoolClient } from 'pg';
import type { AuditConfirmations, Written } from '../../ports/audit-queue.ts';
import type {
  ConfigChanges,
  Instance,
  SnapshotSource,
  StorePosition,
  WorkerReport,
} from '../../ports/snapshot-source.ts';
import { orAfter } from '../before-deadline.ts';
import { readInstanceKeys, readStoredKeys } from './key-rows.ts';
import { readAgents, readAuthorities, readPolicies, readRoutes, readSecrets } from './snapshot-rows.ts';

const connectTimeoutMs = 2_000;
const queryTimeoutMs = 10_000;
const closeTimeoutMs = 2_000;
const defaultMaxGap = 1_000;

export interface PostgresSnapshotSourceOptions {
  readonly connectionString: string;
  /** More revisions than this since the last look, and all is read anew. Default 1000. */
  readonly maxGap?: number;
}

/** Reads configuration from its tables. Holds two connections at most. */
export class PostgresSnapshotSource implements SnapshotSource, AuditConfirmations {
  readonly #pool: Pool;
  readonly #maxGap: number;

  constructor(options: PostgresSnapshotSourceOptions) {
    this.#maxGap = options.maxGap ?? defaultMaxGap;
    this.#pool = new Pool({
      connectionString: options.connectionString,
      application_name: 'onecli-worker',
      max: 2,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
    });
    // A connection that breaks is dropped by the pool, and what was asked on it throws: neither event says more, and
    // one without a listener would end the process.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async instance(): Promise<Instance> {
    return this.#atOneMoment(async (client) => {
      const { rows } = await client.query<{ id: string }>('SELECT id FROM instance');
      const [row] = rows;
      if (row === undefined) throw new Error('The database holds no instance yet');
      const instanceKeys = await readInstanceKeys(client);
      if (instanceKeys.length === 0) throw new Error('The database holds no keys of its instance yet');
      return { id: row.id, keys: await readStoredKeys(client), instanceKeys };
    });
  }

  async position(): Promise<StorePosition> {
    return readPosition(this.#pool);
  }

  /** The revision alone. */
  async revision(): Promise<number> {
    return (await readPosition(this.#pool)).revision;
  }

  async changesSince(revision: number | undefined): Promise<ConfigChanges> {
    return this.#atOneMoment((client) => readChanges(client, revision, this.#maxGap));
  }

  async written(worker: string, boot: string): Promise<Written | undefined> {
    const { rows } = await this.#pool.query<{ through: string; is_ended: boolean }>(
      'SELECT through, ended_at IS NOT NULL AS is_ended FROM audit_boot WHERE worker = $1 AND boot = $2',
      [worker, boot],
    );
    const [row] = rows;
    return row && { through: Number(row.through), isEnded: row.is_ended };
  }

  /** Runs reads that all see the same state of the database. */
  async #atOneMoment<T>(read: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const found = await read(client);
      await client.query('COMMIT');
      client.release();
      return found;
    } catch (error) {
      // Closed rather than handed back: its transaction may still be open.
      client.release(true);
      throw error;
    }
  }

  async heartbeat({ load, ...report }: WorkerReport): Promise<void> {
    await this.#pool.query('SELECT worker_heartbeat($1::jsonb)', [JSON.stringify({ ...report, ...load })]);
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await orAfter(closeTimeoutMs, this.#pool.end());
  }
}

interface StateRow {
  readonly revision: string;
  readonly key_generation: string;
  readonly epoch: string;
  readonly epoch_mac: Buffer | null;
  readonly restored_at: Date | null;
  readonly instance_id: string | null;
}

async function readPosition(client: Pool | PoolClient): Promise<StorePosition> {
  const { rows } = await client.query<StateRow>(
    `SELECT revision, key_generation, epoch, epoch_mac, restored_at, (SELECT id FROM instance) AS instance_id
     FROM config_state`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The database holds no revision yet');
  return {
    revision: Number(row.revision),
    keyGeneration: Number(row.key_generation),
    epoch: {
      instanceId: row.instance_id ?? undefined,
      epoch: Number(row.epoch),
      mac: row.epoch_mac ?? undefined,
      isRestored: row.restored_at !== null,
    },
  };
}

async function readChanges(client: PoolClient, since: number | undefined, maxGap: number): Promise<ConfigChanges> {
  const position = await readPosition(client);
  const { revision } = position;
  if (since === undefined || since > revision || revision - since > maxGap) return readAll(client, position);
  const { rows } = await client.query<{ revision: string; kind: string; object_id: string }>(
    'SELECT revision, kind, object_id FROM config_change WHERE revision > $1 AND revision <= $2',
    [since, revision],
  );
  // Every revision has a record. Where one is missing, the difference cannot be told.
  if (new Set(rows.map((row) => row.revision)).size !== revision - since) return readAll(client, position);
  const idsOf = (kind: string) => [...new Set(rows.filter((row) => row.kind === kind).map((row) => row.object_id))];
  const secrets = await readSecrets(client, idsOf('secret'));
  const agents = await readAgents(client, idsOf('agent'));
  const policies = await readPolicies(client, idsOf('policy'));
  const routes = await readRoutes(client, idsOf('route'));
  const present = new Set([...secrets, ...agents, ...policies, ...routes].map((row) => row.id));
  return {
    revision,
    epoch: position.epoch,
    keys: await readStoredKeys(client),
    isWhole: false,
    secrets,
    agents,
    policies,
    routes,
    ...(idsOf('authority').length > 0 ? await readAuthorities(client) : noAuthorities),
    removedIds: ['secret', 'agent', 'policy', 'route'].flatMap(idsOf).filter((id) => !present.has(id)),
  };
}

const noAuthorities = { authority: undefined, otherAuthorities: undefined, clientAuthorities: undefined };

async function readAll(client: PoolClient, { revision, epoch }: StorePosition): Promise<ConfigChanges> {
  return {
    revision,
    epoch,
    keys: await readStoredKeys(client),
    isWhole: true,
    secrets: await readSecrets(client, undefined),
    agents: await readAgents(client, undefined),
    policies: await readPolicies(client, undefined),
    routes: await readRoutes(client, undefined),
    ...(await readAuthorities(client)),
    removedIds: [],
  };
}
