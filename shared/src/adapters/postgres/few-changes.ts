import { DatabaseError, type Pool } from 'pg';
import type { ConfigChanges, SealedAgent, SealedPolicy } from '../../ports/snapshot-source.ts';
import { storedKeysOf, type TermValues } from './key-rows.ts';
import { positionOf, type StateRow } from './state-row.ts';

/** More objects than this are not put in one answer. */
const most = 100;

/**
 * Nor more bytes of them: they come as hexadecimal digits in one value, and a value of a few hundred megabytes ends the process that reads
 * it, for no string of JavaScript is as long. Every document that may be stored has to pass by the transaction, which reads row by row.
 */
const mostBytes = 1_048_576;
/** More than a token takes as text. */
const tokenBytes = 128;

type DocumentValues = readonly [id: string, name: string, version: number, sealedBody: string];

type AgentValues = readonly [
  id: string,
  name: string,
  labels: Record<string, string>,
  isDisabled: boolean,
  sealedIdentities: string | null,
  tokens: readonly (readonly [hash: string, expiresAtMs: number | null])[] | null,
  mac: string | null,
];

interface FewRow extends StateRow {
  readonly key_check: Buffer | null;
  readonly terms: readonly TermValues[] | null;
  readonly changes: readonly (readonly [revision: number, kind: string, objectId: string])[] | null;
  /** False: they are too many bytes, and none of them is here. */
  readonly fits: boolean;
  readonly agents: readonly AgentValues[] | null;
  readonly policies: readonly DocumentValues[] | null;
  readonly routes: readonly DocumentValues[] | null;
}

/** Rows of a kind that changed. They hold where a long value is, and not the value: what is not asked for is not read. */
const rowsOf = (kind: 'agent' | 'policy' | 'route', columns: string) =>
  `(SELECT id, name, ${columns} FROM ${kind}
        WHERE id = ANY (ARRAY(SELECT object_id FROM changed WHERE kind = '${kind}')))`;

const documents = (rows: 'policies' | 'routes') =>
  `(SELECT json_agg(json_build_array(id, name, version, encode(sealed_body, 'hex')) ORDER BY name) FROM ${rows})`;

const agents = `(SELECT json_agg(json_build_array(id, name, labels, is_disabled, encode(sealed_identities, 'hex'),
      (SELECT json_agg(json_build_array(encode(hash, 'hex'), floor(extract(epoch FROM expires_at) * 1000)))
        FROM agent_token WHERE agent_id = agents.id), encode(mac, 'hex')))
    FROM agents)`;

/** How many bytes all of them are. The length of a value is told without its bytes being read. */
const bytes = `coalesce((SELECT sum(octet_length(sealed_body)) FROM policies), 0)
      + coalesce((SELECT sum(octet_length(sealed_body)) FROM routes), 0)
      + coalesce((SELECT sum(octet_length(labels::text) + coalesce(octet_length(sealed_identities), 0)
        + ${tokenBytes} * (SELECT count(*) FROM agent_token WHERE agent_id = agents.id)) FROM agents), 0)`;

const kinds: readonly string[] = ['agent', 'policy', 'route'];

/**
 * One more change than may be is looked for, to tell that there are more. The revision is given by a SELECT, and the ids in an array, so
 * that a plan made for these values is no better than one for any: PostgreSQL keeps that one, and to plan took thrice as long as to run.
 */
const fewQuery = {
  name: 'few changes',
  text: `WITH changed AS MATERIALIZED (
      SELECT c.revision, c.kind, c.object_id FROM config_change c, config_state s
      WHERE c.revision > (SELECT $1::bigint) AND c.revision <= s.revision ORDER BY c.revision LIMIT ${most + 1}),
      agents AS MATERIALIZED ${rowsOf('agent', 'labels, is_disabled, sealed_identities, mac')},
      policies AS MATERIALIZED ${rowsOf('policy', 'version, sealed_body')},
      routes AS MATERIALIZED ${rowsOf('route', 'version, sealed_body')},
      size AS MATERIALIZED (SELECT ${bytes} <= ${mostBytes} AS fits)
    SELECT s.revision, s.key_generation, s.epoch, s.epoch_mac, s.restored_at, (SELECT id FROM instance) AS instance_id,
      (SELECT key_check FROM instance) AS key_check,
      (SELECT json_agg(json_build_array(term, encode(wrapped_key, 'hex'), activated_at IS NOT NULL) ORDER BY term)
        FROM key_term WHERE retired_at IS NULL) AS terms,
      (SELECT json_agg(json_build_array(revision, kind, object_id)) FROM changed) AS changes, size.fits,
      CASE WHEN size.fits THEN ${agents} END AS agents, CASE WHEN size.fits THEN ${documents('policies')} END AS policies,
      CASE WHEN size.fits THEN ${documents('routes')} END AS routes
    FROM config_state s, size`,
};

/**
 * What has changed after a revision, where that is some agents, policies and routes and nothing else: who may do what. One statement sees one
 * state of the database, and so needs no transaction: many workers on few processors follow a revocation sooner.
 * Undefined: something else changed too, or too much, or it cannot be told, or PostgreSQL refuses the statement; that is read by a
 * transaction. The statement names the tables of all three kinds, whichever changed: it waits for whoever has locked one of them for
 * itself, as a migration may, for as long as any query waits.
 */
export async function readFewChanges(pool: Pool, since: number, maxGap: number): Promise<ConfigChanges | undefined> {
  const rows = await askFewChanges(pool, since);
  if (rows === undefined) return undefined;
  const position = positionOf(rows);
  const [found] = rows;
  const changes = found?.changes;
  const { revision, epoch, keyGeneration } = position;
  const isFew =
    found?.fits === true && revision > since && revision - since <= maxGap && (changes?.length ?? 0) <= most;
  // Every revision has a record: where one is missing, the difference cannot be told.
  const revisions = new Set(changes?.map(([one]) => one));
  if (!isFew || revisions.size !== revision - since) return undefined;
  if (changes?.some(([, kind]) => !kinds.includes(kind))) return undefined;
  const rowsNow = {
    agents: agentsOf(found?.agents),
    policies: documentsOf(found?.policies),
    routes: documentsOf(found?.routes),
  };
  const present = new Set(Object.values(rowsNow).flatMap((some) => some.map(({ id }) => id)));
  return {
    revision,
    epoch,
    keys: storedKeysOf(keyGeneration, found?.key_check ?? null, found?.terms ?? []),
    isWhole: false,
    secrets: [],
    ...rowsNow,
    authority: undefined,
    otherAuthorities: undefined,
    clientAuthorities: undefined,
    removedIds: [...new Set(changes?.map(([, , id]) => id))].filter((id) => !present.has(id)),
  };
}

/** Undefined: the server answered that it cannot do it. A lost connection and a server that stops are no answer to this statement. */
async function askFewChanges(pool: Pool, since: number): Promise<FewRow[] | undefined> {
  try {
    return (await pool.query<FewRow>({ ...fewQuery, values: [since] })).rows;
  } catch (error) {
    if (error instanceof DatabaseError && !/^(08|57|$)/.test(error.code ?? '')) return undefined;
    throw error;
  }
}

function agentsOf(values: readonly AgentValues[] | null | undefined): SealedAgent[] {
  return (values ?? []).map(([id, name, labels, isDisabled, hex, tokens, mac]) => ({
    id,
    name,
    labels,
    isDisabled,
    sealedIdentities: hex === null ? undefined : Buffer.from(hex, 'hex'),
    mac: mac === null ? undefined : Buffer.from(mac, 'hex'),
    tokens: (tokens ?? []).map(([hash, expiresAtMs]) => ({ hash, expiresAtMs: expiresAtMs ?? undefined })),
  }));
}

function documentsOf(values: readonly DocumentValues[] | null | undefined): SealedPolicy[] {
  return (values ?? []).map(([id, name, version, hex]) => ({ id, name, version, sealedBody: Buffer.from(hex, 'hex') }));
}
