import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis } from '../support/redis-server.ts';
import { waitUntil } from '../support/wait-until.ts';
import { AgentRequests } from './agent-requests.ts';
import { type ChaosWorld, startChaosWorld } from './chaos-world.ts';
import { readTrail } from './read-trail.ts';

const floodMessages = 50_000;
const hangMs = 3000;

describe.skipIf(!hasRedis)('a Redis that somebody else has (skipped without redis-server)', () => {
  let world: ChaosWorld;
  let requests: AgentRequests;
  let redisUrl: string;
  const outsiders: Redis[] = [];
  const startedMs = Date.now();
  /** Of every request that was made. */
  const made: string[] = [];

  beforeAll(async () => {
    world = await startChaosWorld({ workers: 2, controlPlanes: 1, redis: 'on' });
    requests = new AgentRequests(world.cluster.proxyPort, world.caPem);
    redisUrl = await urlOfRedis(world);
  });
  afterAll(async () => {
    for (const outsider of outsiders) outsider.disconnect();
    requests?.close();
    await world?.stop();
  });

  function outsider(): Redis {
    const client = new Redis(redisUrl);
    client.on('error', () => undefined);
    outsiders.push(client);
    return client;
  }

  /** Requests with a secret, all of which have to be served, with the value that is current, or was a moment ago. */
  async function burst(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const agent = world.agents[at % world.agents.length];
      if (agent === undefined) throw new Error('there are agents');
      const id = randomUUID();
      made.push(id);
      const { problem } = await requests.make({ id, kind: at % 3 === 0 ? 'fresh' : 'keep', agent });
      expect(problem).toBeUndefined();
      const arrival = world.upstream.arrivals.find((one) => one.id === id);
      expect(world.values.get(agent.secret)).toContain(credentialOf(arrival?.rawHeaders));
    }
  }

  /** Gives a secret another value, and the milliseconds from the API's answer until requests bring it, by every worker. */
  async function untilNewValue(): Promise<number> {
    const [agent] = world.agents;
    if (agent === undefined) throw new Error('there are agents');
    await world.rotate(agent.secret);
    const wanted = world.values.get(agent.secret)?.at(-1);
    const changedMs = performance.now();
    let inARow = 0;
    await waitUntil('the new value is used', async () => {
      const id = randomUUID();
      made.push(id);
      await requests.make({ id, kind: 'fresh', agent });
      const arrival = world.upstream.arrivals.find((one) => one.id === id);
      inARow = credentialOf(arrival?.rawHeaders) === wanted ? inARow + 1 : 0;
      return inARow >= 4;
    });
    return performance.now() - changedMs;
  }

  const serverPid = async (): Promise<number> => {
    const found = (await world.cluster.processes()).find(({ kind }) => kind === 'redis');
    if (found?.pid === undefined) throw new Error('Redis does not run');
    return found.pid;
  };

  it('is told no value, token, key, name, host or path', async () => {
    const monitor = await outsider().monitor();
    monitor.on('error', () => undefined);
    outsiders.push(monitor);
    const seen: string[] = [];
    monitor.on('monitor', (_time: string, parameters: string[]) => seen.push(parameters.join(' ')));
    await burst(30);
    await untilNewValue();
    await waitUntil('a batch went by', () => seen.some((line) => line.includes(':audit')));
    seen.push(...(await dumpOf(outsider())));
    const all = seen.join('\n');
    const masterKey = readFileSync(join(world.cluster.dataFolder, 'master.key'), 'utf8').trim();
    const secrets = [...world.values.values()].flat().concat(world.agents.map(({ token }) => token));
    const canaries = [...secrets, masterKey, world.cluster.adminPassword, 'chaos-one', 'one.chaos.example', '/v1/keep'];
    for (const canary of canaries.flatMap(spellings)) expect(all.includes(canary), canary).toBe(false);
  });

  it('changes nothing by a flood of forged and of old announcements', async () => {
    const spy = outsider();
    const old: [string, string][] = [];
    spy.on('pmessage', (_pattern, channel, message) => old.push([channel, message]));
    await spy.psubscribe('*:revision');
    await untilNewValue();
    const [channel, message] = await waitUntil('an announcement', () => old[0]);
    const forged = `1000000:${'ab'.repeat(32)}`;
    const floods = [message, forged].map((text) => flood(redisUrl, channel, text));
    const [fresh] = await Promise.all([untilNewValue(), burst(30), ...floods]);
    console.log(`a new value was used ${fresh.toFixed(0)} ms after the change, under a flood of announcements`);
    const workers = await world.cluster.must<{ items: { appliedRevision: number }[] }>('GET', '/api/workers');
    const { revision } = (await world.cluster.api('GET', '/health')).json as { revision: number };
    for (const worker of workers.items) expect(worker.appliedRevision).toBeLessThanOrEqual(revision);
  });

  it('takes nothing away by losing everything, hanging, and dying again and again', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      await Promise.all([burst(10), outsider().flushall()]);
    }
    const pid = await serverPid();
    process.kill(pid, 'SIGSTOP');
    const hanging = pause(hangMs).then(() => process.kill(pid, 'SIGCONT'));
    console.log(`while Redis hangs, a new value was used after ${(await untilNewValue()).toFixed(0)} ms`);
    await Promise.all([burst(20), hanging]);
    for (let turn = 0; turn < 3; turn += 1) {
      process.kill(await serverPid(), 'SIGKILL');
      await burst(10);
      await waitUntil('Redis runs again', async () => (await serverPid()) > 0);
    }
    console.log(`after Redis died, a new value was used after ${(await untilNewValue()).toFixed(0)} ms`);
    const trail = await readTrail(world.cluster, startedMs, made);
    const recorded = new Set(trail.map(({ path }) => path.split('/')[3]));
    expect(made.filter((id) => !recorded.has(id))).toEqual([]);
  });
});

/** Says the same thing again and again, from a process of its own. */
async function flood(redisUrl: string, channel: string, message: string): Promise<void> {
  const { port, password } = new URL(redisUrl);
  const parameters = ['-p', port, '-a', password, '-n', String(floodMessages), '-c', '20', '-q'];
  await promisify(execFile)('redis-benchmark', [...parameters, 'PUBLISH', channel, message]);
}

/** As whoever has taken over a machine of the cluster finds it. */
async function urlOfRedis(world: ChaosWorld): Promise<string> {
  const worker = (await world.cluster.processes()).find(({ kind }) => kind === 'worker');
  const environment = readFileSync(`/proc/${worker?.pid}/environ`, 'utf8').split('\0');
  const url = environment.find((line) => line.startsWith('REDIS_URL='))?.slice('REDIS_URL='.length);
  if (url === undefined) throw new Error('the cluster has no Redis');
  return url;
}

function credentialOf(rawHeaders: readonly string[] | undefined): string | undefined {
  const at = rawHeaders?.findIndex((name) => name.toLowerCase() === 'authorization') ?? -1;
  return at < 0 ? undefined : rawHeaders?.[at + 1]?.slice('Bearer '.length);
}

async function dumpOf(client: Redis): Promise<string[]> {
  const dumped: string[] = [];
  for await (const keys of client.scanStream()) {
    for (const key of keys as string[])
      dumped.push(key, ((await client.dumpBuffer(key)) ?? Buffer.alloc(0)).toString('latin1'));
  }
  return dumped;
}

/** A text, and what base64 and hex make of it. */
function spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((skipped) => bytes.subarray(skipped, bytes.length - ((bytes.length - skipped) % 3)));
  return [text, bytes.toString('hex'), ...base64.map((part) => part.toString('base64'))];
}
