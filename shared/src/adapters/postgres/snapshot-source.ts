import { Pool, type PoolClient } from 'pg';
import type { AuditConfirmations, Written } from '../../ports/audit-queue.ts';
import type {
  ConfigChanges,
  Instance,
  SnapshotSource,
  StoredKeys,
  StorePosition,
  WorkerReport,
} from '../../ports/snapshot-source.ts';
import { orAfter } from '../before-deadline.ts';
import { readInstanceKeys, storedKeysOf, type TermValues } from './key-rows.ts';
import { readFewChanges } from './few-changes.ts';
import { positionOf, type StateRow } from './state-row.ts';
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
  /** Connections that a report of this worker was written by. */
  readonly #reported = new WeakSet<PoolClient>();

  constructor(options: PostgresSnapshotSourceOptions) {
    this.#maxGap = options.maxGap ?? defaultMaxGap;
    this.#pool = new Pool({
      connectionString: options.connectionString,
      application_name: 'onecli-worker',
      max: 2,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
      // What is asked goes out without waiting for the answer before it.
      pipeline: true,
    });
    // A connection that breaks is dropped by the pool, and what was asked on it throws: neither event says more, and
    // one without a listener would end the process.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async instance(): Promise<Instance> {
    return this.#atOneMoment(undefined, async ({ client, position, keys }) => {
      const { instanceId: id } = position.epoch;
      if (id === undefined) throw new Error('The database holds no instance yet');
      const instanceKeys = await readInstanceKeys(client);
      if (instanceKeys.length === 0) throw new Error('The database holds no keys of its instance yet');
      return { id, keys, instanceKeys };
    });
  }

  async position(): Promise<StorePosition> {
    return positionOf((await this.#pool.query<StateRow>(stateQuery)).rows);
  }

  /** The revision alone. */
  async revision(): Promise<number> {
    return (await this.position()).revision;
  }

  async changesSince(revision: number | undefined): Promise<ConfigChanges> {
    const few = revision === undefined ? undefined : await readFewChanges(this.#pool, revision, this.#maxGap);
    return few ?? this.#atOneMoment(revision, readChanges);
  }

  async written(worker: string, boot: string): Promise<Written | undefined> {
    const { rows } = await this.#pool.query<{ through: string; is_ended: boolean }>(
      'SELECT through, ended_at IS NOT NULL AS is_ended FROM audit_boot WHERE worker = $1 AND boot = $2',
      [worker, boot],
    );
    const [row] = rows;
    return row && { through: Number(row.through), isEnded: row.is_ended };
  }

  /**
   * Runs reads that all see the same state of the database. What every reader needs is asked for together with the BEGIN, so that they
   * are done after two answers of the server; many workers read at the same time, and statements are prepared once.
   */
  async #atOneMoment<T>(since: number | undefined, read: (moment: StoreMoment) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const found = await read(await openMoment(client, since, this.#maxGap));
      // Nobody waits for it: there is nothing to commit.
      client.query('COMMIT').then(
        () => client.release(),
        () => client.release(true),
      );
      return found;
    } catch (error) {
      // Closed rather than handed back: its transaction may still be open.
      client.release(true);
      throw error;
    }
  }

  async heartbeat({ load, ...report }: WorkerReport): Promise<void> {
    const client = await this.#pool.connect();
    try {
      const values = [JSON.stringify({ ...report, ...load }), this.#reported.has(client)];
      await client.query({ ...heartbeatQuery, values });
      this.#reported.add(client);
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await orAfter(closeTimeoutMs, this.#pool.end());
  }
}

interface MomentRow extends StateRow {
  readonly key_check: Buffer | null;
  readonly terms: readonly TermValues[] | null;
  readonly changes: readonly (readonly [revision: number, kind: string, objectId: string])[] | null;
}

interface ChangeRow {
  readonly revision: number;
  readonly kind: string;
  readonly object_id: string;
}

/** A state of the database, and what has changed up to it. */
interface StoreMoment {
  readonly client: PoolClient;
  readonly position: StorePosition;
  readonly keys: StoredKeys;
  /** Undefined when all is to be read. */
  readonly changes: readonly ChangeRow[] | undefined;
}

// Names: the server parses each once in a connection, and not for each change again.
const stateQuery = {
  name: 'state',
  text: `SELECT revision, key_generation, epoch, epoch_mac, restored_at, (SELECT id FROM instance) AS instance_id
    FROM config_state`,
};
/** All that a reader needs to begin: the state, the keys, and what has changed after a revision where that is not too far back. */
const momentQuery = {
  name: 'moment',
  text: `SELECT s.revision, s.key_generation, s.epoch, s.epoch_mac, s.restored_at, (SELECT id FROM instance) AS instance_id,
    (SELECT key_check FROM instance) AS key_check,
    (SELECT json_agg(json_build_array(term, encode(wrapped_key, 'hex'), activated_at IS NOT NULL) ORDER BY term)
      FROM key_term WHERE retired_at IS NULL) AS terms,
    (SELECT json_agg(json_build_array(c.revision, c.kind, c.object_id)) FROM config_change c
      WHERE c.revision > $1 AND c.revision <= s.revision AND s.revision - $1 <= $2) AS changes
    FROM config_state s`,
};
/**
 * What is reported is reported again within seconds: it need not be on the server's disk before it is answered. When it is lost, with a
 * server that was killed, the worker tells less than it has applied for so long, and never more. The first report by a connection is on
 * the disk: by it the worker is known, and waited for, and whoever lost the server has to connect again.
 */
const heartbeatQuery = {
  name: 'heartbeat',
  text: "SELECT CASE WHEN $2::boolean THEN set_config('synchronous_commit', 'off', true) END, worker_heartbeat($1::jsonb)",
};

async function openMoment(client: PoolClient, since: number | undefined, maxGap: number): Promise<StoreMoment> {
  const after = since ?? Number.MAX_SAFE_INTEGER;
  const [, moments] = await Promise.all([
    client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'),
    client.query<MomentRow>({ ...momentQuery, values: [after, maxGap] }),
  ]);
  const position = positionOf(moments.rows);
  const keys = storedKeysOf(position.keyGeneration, moments.rows[0]?.key_check ?? null, moments.rows[0]?.terms ?? []);
  const rows = (moments.rows[0]?.changes ?? []).map(([revision, kind, id]) => ({ revision, kind, object_id: id }));
  // Every revision has a record. Where one is missing, or all of them are, the difference cannot be told.
  const isKnown = since !== undefined && new Set(rows.map((row) => row.revision)).size === position.revision - since;
  return { client, position, keys, changes: isKnown ? rows : undefined };
}

async function readChanges(moment: StoreMoment): Promise<ConfigChanges> {
  const { client, position, keys, changes } = moment;
  if (changes === undefined) return readAll(moment);
  const idsOf = (kind: string) => [...new Set(changes.filter((row) => row.kind === kind).map((row) => row.object_id))];
  const [secrets, agents, policies, routes] = await Promise.all([
    readSecrets(client, idsOf('secret')),
    readAgents(client, idsOf('agent')),
    readPolicies(client, idsOf('policy')),
    readRoutes(client, idsOf('route')),
  ]);
  const present = new Set([...secrets, ...agents, ...policies, ...routes].map((row) => row.id));
  return {
    revision: position.revision,
    epoch: position.epoch,
    keys,
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

async function readAll({ client, position, keys }: StoreMoment): Promise<ConfigChanges> {
  const { revision, epoch } = position;
  return {
    revision,
    epoch,
    keys,
    isWhole: true,
    secrets: await readSecrets(client, undefined),
    agents: await readAgents(client, undefined),
    policies: await readPolicies(client, undefined),
    routes: await readRoutes(client, undefined),
    ...(await readAuthorities(client)),
    removedIds: [],
  };
}
