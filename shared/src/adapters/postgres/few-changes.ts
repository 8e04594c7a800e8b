import type { Pool } from 'pg';
import type { ConfigChanges, SealedAgent, SealedPolicy, SealedRoute } from '../../ports/snapshot-source.ts';
import { storedKeysOf, type TermValues } from './key-rows.ts';
import { positionOf, type StateRow } from './state-row.ts';

/** More objects than this are not put in one answer. */
const most = 100;

type DocumentValues = readonly [id: string, name: string, version: number, sealedBody: string];

type AgentValues = readonly [
  id: string,
  name: string,
  labels: Record<string, string>,
  isDisabled: boolean,
  sealedIdentities: string | null,
  tokens: readonly (readonly [hash: string, expiresAtMs: number | null])[] | null,
];

interface FewRow extends StateRow {
  readonly key_check: Buffer | null;
  readonly terms: readonly TermValues[] | null;
  readonly changes: readonly (readonly [revision: number, kind: string, objectId: string])[] | null;
  readonly agents: readonly AgentValues[] | null;
  readonly policies: readonly DocumentValues[] | null;
  readonly routes: readonly DocumentValues[] | null;
}

const documents = (table: 'policy' | 'route') =>
  `(SELECT json_agg(json_build_array(id, name, version, encode(sealed_body, 'hex')) ORDER BY name) FROM ${table}
    WHERE id IN (SELECT object_id FROM changed WHERE kind = '${table}'))`;

const agents = `(SELECT json_agg(json_build_array(id, name, labels, is_disabled, encode(sealed_identities, 'hex'),
      (SELECT json_agg(json_build_array(encode(hash, 'hex'), floor(extract(epoch FROM expires_at) * 1000)))
        FROM agent_token WHERE agent_id = agent.id)))
    FROM agent WHERE id IN (SELECT object_id FROM changed WHERE kind = 'agent'))`;

const kinds: readonly string[] = ['agent', 'policy', 'route'];

/** One more change than may be is looked for, to tell that there are more. */
const fewQuery = {
  name: 'few changes',
  text: `WITH changed AS MATERIALIZED (
      SELECT c.revision, c.kind, c.object_id FROM config_change c, config_state s
      WHERE c.revision > $1 AND c.revision <= s.revision ORDER BY c.revision LIMIT ${most + 1})
    SELECT s.revision, s.key_generation, s.epoch, s.epoch_mac, s.restored_at, (SELECT id FROM instance) AS instance_id,
      (SELECT key_check FROM instance) AS key_check,
      (SELECT json_agg(json_build_array(term, encode(wrapped_key, 'hex'), activated_at IS NOT NULL) ORDER BY term)
        FROM key_term WHERE retired_at IS NULL) AS terms,
      (SELECT json_agg(json_build_array(revision, kind, object_id)) FROM changed) AS changes,
      ${agents} AS agents, ${documents('policy')} AS policies, ${documents('route')} AS routes
    FROM config_state s`,
};

/**
 * What has changed after a revision, where that is some agents, policies and routes and nothing else: who may do what. One statement sees one
 * state of the database, and so needs no transaction: many workers on few processors follow a revocation in half the time.
 * Undefined: something else changed too, or too much, or it cannot be told; that is read by a transaction.
 */
export async function readFewChanges(pool: Pool, since: number, maxGap: number): Promise<ConfigChanges | undefined> {
  const { rows } = await pool.query<FewRow>({ ...fewQuery, values: [since] });
  const position = positionOf(rows);
  const [found] = rows;
  const changes = found?.changes;
  const { revision, epoch, keyGeneration } = position;
  const isFew = revision > since && revision - since <= maxGap && (changes?.length ?? 0) <= most;
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

function agentsOf(values: readonly AgentValues[] | null | undefined): SealedAgent[] {
  return (values ?? []).map(([id, name, labels, isDisabled, hex, tokens]) => ({
    id,
    name,
    labels,
    isDisabled,
    sealedIdentities: hex === null ? undefined : Buffer.from(hex, 'hex'),
    tokens: (tokens ?? []).map(([hash, expiresAtMs]) => ({ hash, expiresAtMs: expiresAtMs ?? undefined })),
  }));
}

function documentsOf(values: readonly DocumentValues[] | null | undefined): (SealedPolicy & SealedRoute)[] {
  return (values ?? []).map(([id, name, version, hex]) => ({ id, name, version, sealedBody: Buffer.from(hex, 'hex') }));
}
