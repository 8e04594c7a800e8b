import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, makeAgent, startWorld, type World } from '../support/world.ts';

const changes = Number(process.env['ONECLI_TEST_CHANGES'] ?? 200);
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

async function askWithKey(connection: RawConnection): Promise<{ status: number; key: string | undefined }> {
  const before = world.upstream.requests.length;
  connection.send(requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }));
  const { status } = await connection.readResponse();
  return { status, key: world.upstream.requests[before]?.header('authorization')?.slice('Bearer '.length) };
}

/** Writes, and holds the answer to it that every worker has it. */
async function everywhere(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await world.onecli.must(method, `${path}?wait=all&timeoutMs=30000`, body);
  expect(answer).toMatchObject({ applied: { isEverywhere: true } });
}

describe('changes while a tunnel is open', () => {
  it('a new version of a secret is used by a next request on the same tunnel', async () => {
    const connection = await world.tunnel();
    expect(await askWithKey(connection)).toEqual({ status: 200, key: world.canary });
    await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value: `${world.canary}-2` });
    await waitUntil('the new key is used', async () => (await askWithKey(connection)).key === `${world.canary}-2`);
    connection.close();
  });

  it('is in force when a write by GraphQL that waits for all workers is answered, which names those that are behind', async () => {
    const write = async (value: string, timeoutMs: number) => {
      const query = `mutation($input: SecretInput!) { upsertSecret(input: $input, wait: ALL, timeoutMs: ${timeoutMs}) {
        change revision isEverywhere behind errors { code } } }`;
      const answer = await world.onecli.must<{ data: { upsertSecret: object } }>('POST', '/graphql', {
        query,
        variables: { input: { name: 'prod/openai', value } },
      });
      return answer.data.upsertSecret;
    };
    const connection = await world.tunnel();
    for (let round = 0; round < 10; round++) {
      const value = `${world.canary}-waited-${round}`;
      expect(await write(value, 10_000)).toMatchObject({
        change: 'UPDATED',
        isEverywhere: true,
        behind: [],
        errors: [],
      });
      expect(await askWithKey(connection)).toEqual({ status: 200, key: value });
    }
    const workers = world.onecli.pidsOf('worker');
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    try {
      expect(await write(`${world.canary}-unseen`, 500)).toMatchObject({
        change: 'UPDATED',
        isEverywhere: false,
        behind: ['worker-1'],
      });
    } finally {
      for (const pid of workers) process.kill(pid, 'SIGCONT');
    }
    expect(await write(`${world.canary}-seen`, 10_000)).toMatchObject({ isEverywhere: true });
    expect((await askWithKey(connection)).key).toBe(`${world.canary}-seen`);
    connection.close();
  });

  it('a pinned version goes on being used', async () => {
    const connection = await world.tunnel();
    world.upstream.reset();
    connection.send(requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai@1' }));
    expect((await connection.readResponse()).status).toBe(200);
    expect(world.upstream.requests[0]?.header('authorization')).toBe(`Bearer ${world.canary}`);
    connection.close();
  });

  it('a policy that is replaced is in force on the open tunnel, both ways', async () => {
    const connection = await world.tunnel();
    // A request that is under way while its grant is taken away is cut off, and its connection with it.
    const policy = (paths: string[]): Promise<unknown> =>
      everywhere('PUT', `/api/policies/${world.agent}`, {
        agents: [world.agent],
        rules: [{ allow: { hosts: [boundHost], paths, secrets: ['prod/openai'] } }],
      });
    await policy(['/v9/**']);
    expect((await askWithKey(connection)).status).toBe(403);
    await policy(['/v1/**']);
    expect((await askWithKey(connection)).status).toBe(200);
    connection.close();
  });

  it('a deleted secret is a placeholder of nothing', async () => {
    await world.onecli.must('POST', '/api/secrets', {
      name: 'prod/short-lived',
      value: 'v',
      description: '',
      binding: { hosts: [boundHost], surfaces: ['header'] },
    });
    await everywhere('PUT', `/api/policies/${world.agent}`, {
      agents: [world.agent],
      rules: [{ allow: { hosts: [boundHost], secrets: ['prod/openai', 'prod/short-lived'] } }],
    });
    const connection = await world.tunnel();
    const status = async (): Promise<number> => {
      connection.send(requestBytes('GET', '/v1/x', { 'x-key': 'onecli://prod/short-lived' }));
      return (await connection.readResponse()).status;
    };
    expect(await status()).toBe(200);
    await everywhere('DELETE', '/api/secrets/prod%2Fshort-lived');
    expect(await status()).toBe(403);
    connection.close();
  });

  it('a rotated token no longer opens a tunnel, and the new one does', async () => {
    const old = await makeAgent(world.onecli, 'rotated');
    const opens = async (token: string): Promise<boolean> => {
      const options = { proxyPort: world.onecli.proxyPort, agent: 'rotated', token, authority: `${boundHost}:443` };
      const tunnel = await openTunnel(options);
      const status = tunnel.answer.status;
      if (tunnel.kind !== 'tls-failed') tunnel.connection.close();
      return status !== 407;
    };
    await waitUntil('the first token is known', () => opens(old));
    const { token } = await world.onecli.must<{ token: string }>('POST', '/api/agents/rotated/rotate');
    await waitUntil('the old token is refused', async () => !(await opens(old)));
    expect(await opens(token)).toBe(true);
  });

  it(`${changes} new versions: how long until the next request uses them`, async () => {
    const connection = await world.tunnel();
    const delaysMs: number[] = [];
    for (let index = 0; index < changes; index += 1) {
      const value = `${world.canary}-change-${index}`;
      await world.onecli.must('PUT', '/api/secrets/prod%2Fopenai', { value });
      const answeredAt = performance.now();
      while ((await askWithKey(connection)).key !== value) {
        if (performance.now() - answeredAt > 10_000) throw new Error(`change ${index} was not in force after 10 s`);
      }
      delaysMs.push(performance.now() - answeredAt);
    }
    connection.close();
    const sorted = delaysMs.toSorted((a, b) => a - b);
    const quantile = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
    console.log(
      `${changes} changes in force after: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, worst ${quantile(1)} ms`,
    );
  });
});
