import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCanary } from '../support/canary.ts';
import { type ClusterOptions, startCluster, type TestCluster } from '../support/start-cluster.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type ChaosUpstream, startChaosUpstream } from './chaos-upstream.ts';

/** An agent of the load, with the one secret that it may use, on one host. */
export interface ChaosAgent {
  readonly name: string;
  readonly token: string;
  readonly secret: string;
  readonly host: string;
  /** A host that it may reach without any secret. */
  readonly otherHost: string;
  /** A secret that is not granted to it, bound to `otherHost`. */
  readonly otherSecret: string;
}

/** A cluster with an upstream, two agents, and a secret for each of them. */
export interface ChaosWorld {
  readonly cluster: TestCluster;
  readonly upstream: ChaosUpstream;
  readonly agents: readonly ChaosAgent[];
  /** By secret, every value that it has had. */
  readonly values: ReadonlyMap<string, string[]>;
  readonly caPem: string;
  /** Gives a secret its next value. @throws when the API does not take it; then it may have been taken all the same */
  rotate(secret: string): Promise<void>;
  stop(): Promise<void>;
}

const names = [
  { agent: 'chaos-one', secret: 'prod/one', host: 'one.chaos.example' },
  { agent: 'chaos-two', secret: 'prod/two', host: 'two.chaos.example' },
] as const;

export async function startChaosWorld(options: ClusterOptions = {}): Promise<ChaosWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-chaos-'));
  const authority = makeTestAuthority(folder);
  const hosts = names.map(({ host }) => host);
  const upstream = await startChaosUpstream(authority, hosts);
  const connectTo = hosts.map((host) => `${host}:443=127.0.0.1:${upstream.port}`).join(',');
  const cluster = await startCluster({ upstreamCaFile: authority.caFile, connectTo, ...options });
  const values = new Map<string, string[]>(names.map(({ secret }) => [secret, []]));
  const rotate = async (secret: string): Promise<void> => {
    const host = names.find((one) => one.secret === secret)?.host;
    const value = newCanary('chaos');
    values.get(secret)?.push(value);
    const binding = { hosts: [host], surfaces: ['header'] };
    // The first POST makes it; each next one that names it would be refused.
    const isFirst = values.get(secret)?.length === 1;
    if (isFirst) await cluster.must('POST', '/api/secrets', { name: secret, value, binding });
    else await cluster.must('PUT', `/api/secrets/${encodeURIComponent(secret)}`, { value });
  };
  const stop = async (): Promise<void> => {
    try {
      await cluster.stop();
    } finally {
      await upstream.close();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  try {
    for (const { secret } of names) await rotate(secret);
    const agents: ChaosAgent[] = [];
    for (const [index, { agent, secret, host }] of names.entries()) {
      const other = names[(index + 1) % names.length] ?? names[0];
      const identities = [{ token: {} }];
      const { token } = await cluster.must<{ token: string }>('POST', '/api/agents', { name: agent, identities });
      const paths = ['/v1/**'];
      const rules = [
        { allow: { hosts: [host], paths, secrets: [secret] } },
        { allow: { hosts: [other.host], paths, secrets: [secret] } },
      ];
      await cluster.must('POST', '/api/policies', { name: agent, agents: [agent], rules });
      agents.push({ name: agent, token, secret, host, otherHost: other.host, otherSecret: other.secret });
    }
    await everyWorkerFollows(cluster);
    const caPem = (await cluster.api('GET', '/ca.pem')).text;
    return { cluster, upstream, agents, values, caPem, rotate, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until every live worker has applied the newest revision. */
export async function everyWorkerFollows(cluster: TestCluster): Promise<void> {
  await waitUntil(
    'every worker has the configuration',
    async () => {
      const { revision } = (await cluster.api('GET', '/health')).json as { revision: number };
      const workers = (await cluster.processes()).filter(({ kind }) => kind === 'worker');
      const { items } = await cluster.must<{ items: { name: string; appliedRevision: number }[] }>(
        'GET',
        '/api/workers',
      );
      return workers.every(({ name }) => items.some((one) => one.name === name && one.appliedRevision >= revision));
    },
    30_000,
  );
}
