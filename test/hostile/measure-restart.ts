/**
 * How long a worker takes to serve again: `node --import tsx test/hostile/measure-restart.ts [secrets] [restarts]`. Control plane, PostgreSQL and
 * Redis are all stopped; the worker is killed, started on its last good configuration, and asked until a request has brought a secret upstream.
 * Timed from the start of the process. Needs the build (`npm run build`).
 */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AgentRequests } from '../chaos/agent-requests.ts';
import { everyWorkerFollows, startChaosWorld } from '../chaos/chaos-world.ts';

const secrets = Number(process.argv[2] ?? 10_000);
const restarts = Number(process.argv[3] ?? 10);
const atOnce = 8;

const world = await startChaosWorld({ workers: 1, controlPlanes: 1, redis: 'on' });
try {
  await makeSecrets();
  await everyWorkerFollows(world.cluster);
  const others = (await world.cluster.processes()).filter(({ kind }) => !['worker', 'haproxy'].includes(kind));
  const worker = (await world.cluster.processes()).find(({ kind }) => kind === 'worker');
  if (worker?.port === undefined) throw new Error('there is a worker');
  for (const { name } of others.toReversed()) await world.cluster.stopOne(name);
  const file = join(world.cluster.dataFolder, 'snapshots', `${worker.name}.snapshot`);
  const times: number[] = [];
  for (let at = 0; at < restarts; at += 1) times.push(await restart(worker.name, worker.port));
  const sorted = times.toSorted((one, other) => one - other);
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  const shown = sorted.map((ms) => ms.toFixed(0)).join(', ');
  console.log(`${secrets} secrets, snapshot file of ${size ?? '?'} bytes, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`from the start to the first request with its secret, ms: ${shown}`);
} finally {
  await world.stop();
}

async function makeSecrets(): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let at = next++; at < secrets; at = next++) {
      const binding = { hosts: [`h${at}.example`], surfaces: ['header'] };
      await world.cluster.must('POST', '/api/secrets', {
        name: `many/s${at}`,
        value: `value-${at}-${randomUUID()}`,
        binding,
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

async function restart(name: string, port: number): Promise<number> {
  const [agent] = world.agents;
  if (agent === undefined) throw new Error('there are agents');
  const { pid } = (await world.cluster.processes()).find((one) => one.name === name) ?? {};
  await world.cluster.stopOne(name);
  const beganMs = performance.now();
  const started = world.cluster.startOne(name);
  const requests = new AgentRequests(port, world.caPem);
  try {
    const arrived = world.upstream.arrivals.length;
    while (world.upstream.arrivals.length === arrived) {
      await requests.make({ id: randomUUID(), kind: 'keep', agent });
      await pause(5);
      if (performance.now() - beganMs > 60_000) throw new Error(`worker ${pid} does not serve again`);
    }
    return (world.upstream.arrivals.at(-1)?.atMs ?? 0) - beganMs;
  } finally {
    requests.close();
    await started;
  }
}
