/**
 * How long a change takes: `node --import tsx test/hostile/measure-freshness.ts [changes]`. Gives a secret so many values, by a cluster of one
 * control plane and one worker, once with Redis and once without; times the API's call, and how long until a request brings the new value.
 */
import { randomUUID } from 'node:crypto';
import { AgentRequests } from '../chaos/agent-requests.ts';
import { startChaosWorld } from '../chaos/chaos-world.ts';

const changes = Number(process.argv[2] ?? 200);
const warmUp = 20;

for (const redis of ['on', 'off'] as const) {
  const world = await startChaosWorld({ workers: 1, controlPlanes: 1, redis });
  const requests = new AgentRequests(world.cluster.proxyPort, world.caPem);
  const [agent] = world.agents;
  if (agent === undefined) throw new Error('there are agents');
  const called: number[] = [];
  const used: number[] = [];
  for (let at = -warmUp; at < changes; at += 1) {
    const startMs = performance.now();
    await world.rotate(agent.secret);
    const answeredMs = performance.now();
    const wanted = `Bearer ${world.values.get(agent.secret)?.at(-1)}`;
    for (;;) {
      const id = randomUUID();
      await requests.make({ id, kind: 'keep', agent });
      if (world.upstream.arrivals.at(-1)?.rawHeaders.includes(wanted)) break;
    }
    if (at < 0) continue;
    called.push(answeredMs - startMs);
    used.push(performance.now() - startMs);
    world.upstream.arrivals.length = 0;
  }
  console.log(`${redis === 'on' ? 'Redis' : 'NOTIFY'}, ${changes} changes: the API's answer ${describe(called)}`);
  console.log(`  from the call until a request has brought the new value ${describe(used)}`);
  requests.close();
  await world.stop();
}

function describe(times: readonly number[]): string {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number): string => `${sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(1)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, worst ${at(1)}`;
}
