import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  const secrets = ['prod/openai'];
  world = await startWorld({
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets } },
      { allow: { hosts: [boundHost], paths: ['/v1/files', '/v1/files/**'], methods: ['DELETE'], approval: true } },
    ],
  });
});
afterAll(() => world?.stop());

interface Pending {
  id: string;
  state: string;
  method: string;
  path: string;
  asks: number;
  rule: string;
}

const cli = (...args: string[]) => runOnecliCommand(world.onecli, ['approval', ...args]);

async function ask(connection: RawConnection, method: string, path: string) {
  const before = world.upstream.requests.length;
  connection.send(requestBytes(method, path, { authorization: 'Bearer onecli://prod/openai' }));
  const { status, json } = await connection.readResponse(method);
  const key = world.upstream.requests[before]?.header('authorization');
  return { status, key, code: (json as { error?: { code: string } }).error?.code };
}

/** What is asked for, once it is there. */
async function pendingFor(path: string, asks = 1): Promise<Pending> {
  return waitUntil('the approval is asked for', async () => {
    const { stdout } = await cli('list', '--json');
    if (stdout === '') return undefined;
    return (JSON.parse(stdout) as Pending[]).find((one) => one.path === path && one.asks >= asks);
  });
}

const denied = { status: 403, key: undefined, code: 'APPROVAL_REQUIRED' };
const passed = () => ({ status: 200, key: `Bearer ${world.canary}`, code: undefined });

describe('a rule that asks a person', () => {
  it('refuses what it covers although another rule allows it, and nothing else; then that one request passes', async () => {
    const connection = await world.tunnel();
    expect(await ask(connection, 'GET', '/v1/files/1')).toEqual(passed());
    expect(await ask(connection, 'DELETE', '/v1/files/1')).toEqual(denied);
    expect(await ask(connection, 'DELETE', '/v1/files/1')).toEqual(denied);
    const { id, method, rule } = await pendingFor('/v1/files/1', 2);
    expect([method, rule]).toEqual(['DELETE', 'mallory/rules/1']);
    const { code, stderr } = await cli('approve', id, '--for', '15m', '--wait');
    expect([code, stderr]).toEqual([0, expect.stringContaining(`DELETE ${boundHost}/v1/files/1`)]);
    expect(await ask(connection, 'DELETE', '/v1/files/1')).toEqual(passed());
    expect(await ask(connection, 'DELETE', '/v1/files/1')).toEqual(passed());
    for (const path of ['/v1/files/2', '/v1/files', '/v1/files/1/', '/v1/files/1%2F', '/v1/FILES/1/../1'])
      expect((await ask(connection, 'DELETE', path)).status, path).not.toBe(200);
    connection.close();
  });

  it('is in force again once it is ended, on the open tunnel, and a method in a header does not get around it', async () => {
    const connection = await world.tunnel();
    const all = JSON.parse((await cli('list', '--all', '--json')).stdout) as Pending[];
    const { id = '' } = all.find(({ state }) => state === 'APPROVED') ?? {};
    expect((await cli('end', id, '--wait')).stderr).toContain('ended');
    expect(await ask(connection, 'DELETE', '/v1/files/1')).toEqual(denied);
    connection.send(
      requestBytes('POST', '/v1/files/1', {
        'x-http-method-override': 'DELETE',
        authorization: 'Bearer onecli://prod/openai',
      }),
    );
    expect((await connection.readResponse('POST')).status).toBe(403);
    connection.close();
  });

  it('passes all that it covers when the whole rule is approved, and nothing after a no', async () => {
    const connection = await world.tunnel();
    expect(await ask(connection, 'DELETE', '/v1/files/7')).toEqual(denied);
    const { id } = await pendingFor('/v1/files/7');
    expect((await cli('approve', id, '--whole-rule', '--wait')).code).toBe(0);
    expect(await ask(connection, 'DELETE', '/v1/files/8')).toEqual(passed());
    expect((await cli('deny', id, '--wait')).code).toBe(0);
    expect(await ask(connection, 'DELETE', '/v1/files/8')).toEqual(denied);
    expect(await ask(connection, 'DELETE', '/v1/files/7')).toEqual(denied);
    connection.close();
  });

  it('leaves who asked, who decided and what came of it in the trail', async () => {
    const events = (
      await world.onecli.must<{ items: { action: string; objectName: string }[] }>('GET', '/api/admin-events')
    ).items;
    const actions = new Set(events.map(({ action }) => action));
    for (const action of ['approval:approve', 'approval:end', 'approval:deny']) expect(actions).toContain(action);
    const refused = (await world.auditSince(0)).filter(({ reason }) => reason === 'APPROVAL_REQUIRED');
    expect(refused[0]).toMatchObject({
      decision: 'deny',
      rule: 'mallory/rules/1',
      method: 'DELETE',
      secrets: [],
      status: 403,
    });
  });
});
