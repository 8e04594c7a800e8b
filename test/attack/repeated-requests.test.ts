// A request whose bytes came before on its connection is known, not trusted: what has changed since holds for it as for any other.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newCanary } from '../support/canary.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const fields = { authorization: 'Bearer onecli://prod/openai' };
const bytes = requestBytes('GET', '/v1/models', fields);
const allow = { hosts: [boundHost], paths: ['/v1/**'] };

let world: World;
let connection: RawConnection;
beforeAll(async () => void (world = await startWorld()));
afterAll(() => world?.stop());

function setRules(...rules: unknown[]): Promise<unknown> {
  return world.onecli.must('PUT', `/api/policies/${world.agent}`, { agents: [world.agent], rules });
}

async function ask(asked = bytes): Promise<number> {
  connection.send(asked);
  return (await connection.readResponse()).status;
}

/** Asks until the worker has heard of a change. */
function askUntil(status: number): Promise<unknown> {
  return waitUntil(`the same request is answered ${status}`, async () => (await ask()) === status);
}

/** What the upstream was shown as the key, request by request. */
const keys = (): (string | undefined)[] =>
  world.upstream.requests.map((request) => request.header('authorization')?.replace('Bearer ', ''));

beforeEach(async () => {
  await setRules({ allow: { ...allow, secrets: ['prod/openai'] } });
  connection = await world.tunnel();
  await askUntil(200);
  for (let time = 0; time < 3; time++) expect(await ask()).toBe(200);
  world.upstream.reset();
});

describe('the same bytes again', () => {
  it('carry the key each time, and no placeholder', async () => {
    for (let time = 0; time < 3; time++) expect(await ask()).toBe(200);
    expect(keys()).toEqual([world.canary, world.canary, world.canary]);
  });

  it('are refused when the grant is gone, and when the rule is', async () => {
    await setRules({ allow });
    await askUntil(403);
    world.upstream.reset();
    for (let time = 0; time < 3; time++) expect(await ask()).toBe(403);
    await setRules({ deny: allow }, { allow: { ...allow, secrets: ['prod/openai'] } });
    await setRules({ allow: { hosts: [boundHost], paths: ['/v2/**'], secrets: ['prod/openai'] } });
    for (let time = 0; time < 3; time++) expect(await ask()).toBe(403);
    expect(world.upstream.requests).toEqual([]);
  });

  it('carry the new key once it has been rotated, and the old one never again', async () => {
    const rotated = newCanary('rotated');
    await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value: rotated });
    await waitUntil('the new key leaves', async () => (await ask()) === 200 && keys().at(-1) === rotated);
    world.upstream.reset();
    for (let time = 0; time < 3; time++) expect(await ask()).toBe(200);
    expect(keys()).toEqual([rotated, rotated, rotated]);
    await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value: world.canary });
  });

  it('are counted, each one', async () => {
    const rateLimit = { requests: 4, perSeconds: 3600 };
    await setRules({ allow: { ...allow, secrets: ['prod/openai'], rateLimit } });
    await askUntil(429);
    world.upstream.reset();
    for (let time = 0; time < 3; time++) expect(await ask()).toBe(429);
    expect(world.upstream.requests).toEqual([]);
  });

  it('are recorded, each one', async () => {
    const since = Date.now();
    // A path of its own: what was asked just before may be recorded within the same millisecond.
    const path = '/v1/recorded';
    for (let time = 0; time < 3; time++) await ask(requestBytes('GET', path, fields));
    const events = (await world.auditSince(since)).filter((event) => event.path === path);
    expect(events.map(({ decision }) => decision)).toEqual(['allow', 'allow', 'allow']);
    for (const { secrets } of events) expect(secrets).toEqual([expect.stringMatching(/^prod\/openai@\d+$/)]);
    expect(new Set(events.map(({ requestId }) => requestId)).size).toBe(3);
  });

  it('are refused from the moment on at which the secret expires, although nothing was changed since', async () => {
    const expiresAt = new Date(Date.now() + 4_000).toISOString();
    await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { expiresAt });
    for (let time = 0; time < 3; time++) expect(await ask()).toBe(200);
    await askUntil(403);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    world.upstream.reset();
    connection.send(bytes);
    expect((await connection.readResponse()).header('x-onecli-error')).toBe('SECRET_EXPIRED');
    expect(world.upstream.requests).toEqual([]);
    await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { expiresAt: null });
  });

  it('end with the token', async () => {
    await world.onecli.must('POST', `/api/agents/${world.agent}/rotate`);
    await waitUntil('the tunnel is refused', async () => {
      connection.send(bytes);
      const answer = await connection.readResponse().catch(() => undefined);
      return answer?.status !== 200;
    });
    world.upstream.reset();
    connection.send(bytes);
    await connection.readResponse().catch(() => undefined);
    expect(world.upstream.requests).toEqual([]);
  });
});
