/**
 * How long a worker takes to serve again: `node --conditions=source --import tsx test/hostile/measure-restart.ts [secrets] [restarts]`.
 * Control plane, PostgreSQL and Redis are all stopped; the worker is killed, starts on its last good configuration, and is asked until a
 * request has brought its secret upstream. Timed from the start of the process, and from the kill. Needs the build (`npm run build`).
 * Ends with 1 when a restart took more than a second.
 */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AgentRequests } from '../chaos/agent-requests.ts';
import { type ChaosAgent, everyWorkerFollows, startChaosWorld } from '../chaos/chaos-world.ts';
import { load } from '../scale/load.ts';
import { cpuMicros } from '../support/process-facts.ts';
import type { ClusterProcess } from '../support/start-cluster.ts';
import { waitUntil } from '../support/wait-until.ts';

const secrets = Number(process.argv[2] ?? 10_000);
const restarts = Number(process.argv[3] ?? 10);
const limitMs = 1000;
const deadlineMs = 60_000;

interface Restart {
  readonly fromStartMs: number;
  readonly fromKillMs: number;
  /** Of the new process until then, its threads included. */
  readonly cpuMs: number;
}

const world = await startChaosWorld({ workers: 1, controlPlanes: 1, redis: 'on' });
try {
  await load(world.cluster.dataFolder, { secrets, agents: 0, policies: 0, routes: 0, events: 0 });
  await everyWorkerFollows(world.cluster);
  const others = (await world.cluster.processes()).filter(({ kind }) => !['worker', 'haproxy'].includes(kind));
  for (const { name } of others.toReversed()) await world.cluster.stopOne(name);
  const worker = await workerNow();
  const file = join(world.cluster.dataFolder, 'snapshots', `${worker.name}.snapshot`);
  const found: Restart[] = [];
  for (let at = 0; at < restarts; at += 1) found.push(await restart());
  const shown = (read: (one: Restart) => number): string =>
    found
      .map(read)
      .toSorted((one, other) => one - other)
      .map((ms) => ms.toFixed(0))
      .join(', ');
  console.log(`${secrets} secrets, snapshot file of ${statSync(file).size} bytes, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`from the start to the first request with its secret, ms: ${shown((one) => one.fromStartMs)}`);
  console.log(`from the kill, with the supervisor's pause: ${shown((one) => one.fromKillMs)}`);
  console.log(`CPU of the worker until then, ms: ${shown((one) => one.cpuMs)}`);
  if (found.some(({ fromStartMs }) => fromStartMs > limitMs)) process.exitCode = 1;
} finally {
  await world.stop();
}

async function workerNow(): Promise<ClusterProcess> {
  const found = (await world.cluster.processes()).find(({ kind }) => kind === 'worker');
  if (found === undefined) throw new Error('there is a worker');
  return found;
}

async function restart(): Promise<Restart> {
  const [agent] = world.agents;
  const { pid, name, port } = await workerNow();
  if (agent === undefined || pid === undefined || port === undefined) throw new Error('a worker runs, for an agent');
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  const ended = await waitUntil('the worker has ended', async () => {
    const now = await workerNow();
    return now.pid !== pid && now;
  });
  // The supervisor would wait for a moment, longer each time. Where it has not waited, nobody knows the time of the start.
  const startedAt = ended.pid === undefined ? Date.now() : killedAt;
  await world.cluster.startOne(name);
  const arrivedAt = await firstArrival(port, agent, startedAt);
  const next = (await workerNow()).pid ?? 0;
  return { fromStartMs: arrivedAt - startedAt, fromKillMs: arrivedAt - killedAt, cpuMs: cpuMicros(next) / 1000 };
}

/** When the first request came to the upstream with its secret. */
async function firstArrival(port: number, agent: ChaosAgent, startedAt: number): Promise<number> {
  const { arrivals } = world.upstream;
  arrivals.length = 0;
  const value = world.values.get(agent.secret)?.at(-1);
  const requests = new AgentRequests(port, world.caPem);
  try {
    while (Date.now() - startedAt < deadlineMs) {
      await requests.make({ id: randomUUID(), kind: 'keep', agent });
      const arrival = arrivals.find(({ rawHeaders }) => rawHeaders.includes(`Bearer ${value}`));
      if (arrival !== undefined) return arrival.atMs;
      await pause(5);
    }
    throw new Error('the worker does not serve again');
  } finally {
    requests.close();
  }
}
