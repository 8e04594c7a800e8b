import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-port.ts';
import { type RedisServer, startRedis, startSentinel } from './redis-server.ts';
import { waitUntil } from './wait-until.ts';

const sentinelCount = 3;
const slots = 16_384;
const clusterFlags = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];

interface Sentinels {
  readonly url: string;
  readonly name: string;
  readonly master: RedisServer;
  /** Ends all of them. */
  stop(): Promise<void>;
}

/** A master, its replica, and three sentinels that know both. */
export async function startSentinels(): Promise<Sentinels> {
  const name = 'main';
  const folder = mkdtempSync(join(tmpdir(), 'onecli-sentinels-'));
  const master = await startRedis();
  const replica = await startRedis('--replicaof', '127.0.0.1', String(master.port));
  const sentinels: RedisServer[] = [];
  for (let at = 0; at < sentinelCount; at++) {
    const file = join(folder, `sentinel-${at}.conf`);
    const lines = [
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${name} 1000`,
      `sentinel failover-timeout ${name} 3000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    sentinels.push(await startSentinel(file));
  }
  const [first] = sentinels;
  await waitUntil('the sentinels know each other and the replica', async () => {
    const known = (await first?.command('SENTINEL', 'MASTER', name))?.split('\n') ?? [];
    const value = (field: string) => known[known.indexOf(field) + 1];
    return value('num-slaves') === '1' && value('num-other-sentinels') === String(sentinelCount - 1);
  });
  return {
    url: `redis://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    name,
    master,
    stop: async () => {
      for (const server of [...sentinels, replica, master]) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A cluster of three masters without replicas, each with further parameters. */
export async function startCluster(
  ...parameters: readonly string[]
): Promise<{ url: string; nodes: RedisServer[]; stop(): Promise<void> }> {
  const busPorts = await freePorts(3);
  const nodes = await Promise.all(
    busPorts.map((busPort) => startRedis(...clusterFlags, '--cluster-port', String(busPort), ...parameters)),
  );
  const [first] = nodes;
  for (const [at, node] of nodes.entries()) {
    const [from, to] = [at, at + 1].map((part) => Math.floor((part * slots) / nodes.length));
    await node.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String((to ?? 0) - 1));
    await first?.command('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(busPorts[at]));
  }
  for (const node of nodes)
    await waitUntil('the cluster is whole', async () => {
      const info = await node.command('CLUSTER', 'INFO');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`);
    });
  return {
    url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    stop: async () => {
      for (const node of nodes) await node.stop();
    },
  };
}
