import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestBytes } from '../support/raw-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const requests = 10_000;
const connections = 64;
/** As much as leaves time for a hundred changes. */
const requestsPerSecond = 500;
const changesPerSecond = 5;
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe('load while the configuration changes', () => {
  it(`${requests} requests over ${connections} connections with ${changesPerSecond} changes a second: no failure, no wrong key, as many audit events`, async () => {
    const issued = new Set([`Bearer ${world.canary}`]);
    const failures: string[] = [];
    let left = requests;
    let isOver = false;
    let changeCount = 0;

    async function change(): Promise<void> {
      while (!isOver) {
        changeCount += 1;
        if (changeCount % 3 === 0) {
          const value = `${world.canary}-v${changeCount}`;
          issued.add(`Bearer ${value}`);
          await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value });
        } else {
          const rules = [
            { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
            { deny: { hosts: [`changed-${changeCount}.example`] } },
          ];
          await world.onecli.must('PUT', `/api/policies/${world.agent}`, { agents: [world.agent], rules });
        }
        await pause(1000 / changesPerSecond);
      }
    }
    async function load(): Promise<void> {
      const connection = await world.tunnel();
      while (left > 0) {
        left -= 1;
        connection.send(requestBytes('GET', '/v1/load', { authorization: 'Bearer onecli://prod/openai' }));
        const answer = await connection.readResponse();
        if (answer.status !== 200) failures.push(`${answer.status} ${answer.text}`);
        await pause((1000 * connections) / requestsPerSecond);
      }
      connection.close();
    }
    const changing = change();
    await Promise.all(Array.from({ length: connections }, load));
    isOver = true;
    await changing;

    expect(failures).toEqual([]);
    expect(world.upstream.requests).toHaveLength(requests);
    const wrong = world.upstream.requests.filter((one) => !issued.has(one.header('authorization') ?? ''));
    expect(wrong.map((one) => one.head)).toEqual([]);
    const events = await waitUntil(
      'every request is in the audit trail',
      async () => {
        const items = (await world.audit()).filter((item) => item.path === '/v1/load');
        return items.length >= requests ? items : undefined;
      },
      60_000,
    );
    expect(new Set(events.map((item) => item.id)).size).toBe(requests);
    expect(events.every((item) => item.decision === 'allow' && item.secrets.length === 1)).toBe(true);
    console.log(`${requests} requests, ${changeCount} changes, ${issued.size} keys`);
  });
});
