// A worker whose memory runs short ends new tunnels first: those that are open are served, and it recovers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere, expectOwnAnswer } from '../support/attack.ts';
import { proportionalBytes } from '../support/process-facts.ts';
import { openTunnel, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection, RawResponse } from '../support/raw-connection.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWorld, type World } from '../support/world.ts';

/** The least that can be set: a worker has some 80 to 100 MB when it does nothing. */
const memoryMb = 128;
/** Fills it several times over. */
const manyTunnels = 2000;
let world: World;
beforeAll(async () => {
  world = await startWorld({ start: { env: { ONECLI_LIMIT_MEMORY_MB: String(memoryMb) } } });
});
afterAll(() => world?.stop());

async function tunnel(): Promise<RawConnection | RawResponse> {
  const { proxyPort } = world.onecli;
  const opened = await openTunnel({ proxyPort, agent: world.agent, token: world.token });
  if (opened.kind === 'tls-failed') throw opened.error;
  return opened.kind === 'open' ? opened.connection : opened.answer;
}

async function statusOn(connection: RawConnection): Promise<number> {
  connection.send(requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }));
  return (await connection.readResponse()).status;
}

describe('a worker that nears its memory', () => {
  it('refuses new tunnels with 503, goes on serving those that are open, and takes new ones when they have gone', async () => {
    const since = Date.now();
    const open: RawConnection[] = [];
    let refused: RawResponse | undefined;
    while (!refused && open.length < manyTunnels) {
      const next = await tunnel();
      if ('status' in next) refused = next;
      else open.push(next);
    }
    expect(open.length).toBeGreaterThanOrEqual(50);
    if (!refused) throw new Error('no tunnel was refused');
    expectOwnAnswer(refused, 503, 'OVERLOADED');
    expect(Number(refused.header('retry-after'))).toBeGreaterThan(0);
    for (const connection of [...open.slice(0, 10), ...open.slice(-10)]) expect(await statusOn(connection)).toBe(200);
    expect(proportionalBytes(world.onecli.pidsOf('worker')[0] ?? 0)).toBeLessThan(2 * memoryMb * 1024 * 1024);

    for (const connection of open) connection.close();
    const again = await waitUntil('a new tunnel is taken', async () => {
      const next = await tunnel();
      return 'status' in next ? undefined : next;
    });
    expect(await statusOn(again)).toBe(200);
    again.close();
    const events = (await world.auditSince(since)).filter(({ reason }) => reason === 'OVERLOADED');
    expect(events.length).toBeGreaterThan(0);
    expect(events[0]).toMatchObject({ agent: world.agent, decision: 'deny', status: 503, method: 'CONNECT' });
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
