import type { CpuClocks } from '../bench/run-load.ts';
import { familyCpuMicros } from '../support/process-facts.ts';
import type { ClusterProcess, TestCluster } from '../support/start-cluster.ts';

const kinds: readonly ClusterProcess['kind'][] = ['worker', 'haproxy', 'control-plane', 'postgres', 'redis'];

/** CPU time by kind of process, of those that run now, in microseconds. */
export async function clusterClocks(cluster: TestCluster): Promise<CpuClocks> {
  const processes = await cluster.processes();
  const clock = (kind: ClusterProcess['kind']) => (): number =>
    processes.reduce((sum, one) => (one.kind === kind && one.pid ? sum + familyCpuMicros(one.pid) : sum), 0);
  return Object.fromEntries(kinds.map((kind) => [kind, clock(kind)]));
}

/** CPU time of this process: of the requests that are made here, and of the upstream. */
export function ownCpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
