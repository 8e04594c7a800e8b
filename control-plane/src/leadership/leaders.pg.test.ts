import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { basic } from '../api/testing/serve.ts';
import { Process, processEnvironment } from '../testing/process.ts';

const password = 'a-password-for-this-test';
const startMs = 100_000;
const patiently = { timeout: 60_000, interval: 200 };
const jobs = [
  'authorities',
  'expiry',
  'gone-workers',
  'key-rotation',
  'retention',
  'rotations',
  'sweep',
  'traffic',
  'trail',
];

/** A control plane of the same database. */
class Plane {
  readonly process: Process;
  readonly url: string;

  private constructor(environment: Awaited<ReturnType<typeof processEnvironment>>) {
    this.process = new Process(environment);
    this.url = `http://127.0.0.1:${environment.ONECLI_API_PORT}`;
  }

  static async start(): Promise<Plane> {
    const plane = new Plane(await processEnvironment(databaseUrl, password));
    planes.push(plane);
    await plane.process.ready(startMs);
    return plane;
  }

  async must(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { ...basic('admin', password), 'content-type': 'application/json' };
    const answer = await fetch(`${this.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    expect(answer.status, text).toBeLessThan(300);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Whether it says that it leads, and which jobs it has done. */
  async leads(): Promise<{ isLeading: boolean; done: string[] }> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const looks = text.matchAll(/^onecli_leader_looks_total\{job="([a-z-]+)",outcome="done"\} [1-9]/gm);
    return { isLeading: /^onecli_leader 1$/m.test(text), done: [...looks].map(([, job = '']) => job).toSorted() };
  }
}

let databaseUrl: string;
let database: Client;
const planes: Plane[] = [];
let first: Plane;
let second: Plane;

beforeAll(async () => {
  databaseUrl = await freshDatabase();
  database = new Client({ connectionString: databaseUrl });
  await database.connect();
  first = await Plane.start();
}, 3 * startMs);
afterAll(async () => {
  for (const { process } of planes) await process.kill();
  await database?.end();
});

async function count(sql: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${sql}`);
  return rows[0]?.count ?? 0;
}

const expiringEvents = () => count("admin_event WHERE action = 'secret:expiring'");
const holders = `pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'onecli-leader' AND a.datname = current_database()`;

describe('two control planes of one database', { timeout: 3 * startMs }, () => {
  it('have one leader, which alone does what is done once for all', async () => {
    await expect.poll(() => first.leads(), patiently).toEqual({ isLeading: true, done: jobs });
    second = await Plane.start();
    // Longer than it takes to ask for the lock.
    await expect
      .poll(
        () => count(`pg_stat_activity WHERE application_name = 'onecli-leader' AND datname = current_database()`),
        patiently,
      )
      .toBe(2);
    expect(await count(holders)).toBe(1);
    await second.must('POST', '/api/secrets', {
      name: 'prod/old',
      value: 'v',
      expiresAt: new Date(Date.now() + 86_400_000),
    });
    await second.must('POST', '/api/authorities/rotate', { overlapHours: 0 });
    const states = async () =>
      ((await second.must('GET', '/api/authorities')) as { authorities: { state: string }[] }).authorities.map(
        ({ state }) => state,
      );
    await expect.poll(states, patiently).toEqual(['ACTIVE', 'PREVIOUS']);
    expect(await second.leads()).toEqual({ isLeading: false, done: [] });
    expect(await count("admin_event WHERE action = 'authority:activate'")).toBe(1);
  });

  it('go on when the leader is killed: the other one leads within seconds, and does every job', async () => {
    await first.process.kill('SIGKILL');
    await expect.poll(() => second.leads(), patiently).toEqual({ isLeading: true, done: jobs });
    expect(await count(holders)).toBe(1);
    expect(await expiringEvents()).toBe(1);
    await second.must('POST', '/api/keys/rotate', {});
    const term = () => second.must('GET', '/api/keys') as Promise<{ sealingTerm: number; rotation: string }>;
    await expect.poll(term, patiently).toMatchObject({ sealingTerm: 2, rotation: 'IDLE' });
  });

  it('lead again in turn: one that comes back waits, until the leader is ended in order', async () => {
    const third = await Plane.start();
    await third.must('GET', '/api/keys');
    expect([await third.leads(), await count(holders)]).toEqual([{ isLeading: false, done: [] }, 1]);
    await second.process.kill('SIGTERM');
    await expect.poll(() => third.leads(), patiently).toEqual({ isLeading: true, done: jobs });
    expect(await expiringEvents()).toBe(1);
  });
});
