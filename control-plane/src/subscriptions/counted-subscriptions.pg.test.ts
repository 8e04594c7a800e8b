import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { adminPassword, basic, type Served, serve } from '../api/testing/serve.ts';
import { fromPage, makeUser, signIn } from '../auth/testing/people.ts';
import { everywhere } from '../auth/principal.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api?.stop());

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 25 });

/** A figure of this control plane; one that was never counted is 0. */
async function valueOf(name: string): Promise<number> {
  const lines = (await (await fetch(`${api.url}/metrics`)).text()).split('\n');
  return Number(
    lines
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')
      .at(-1) ?? 0,
  );
}
const faults = (code: string) => valueOf(`onecli_api_faults_total{code="${code}"}`);
const operations = () =>
  Promise.all(
    ['type="subscription",outcome="ok"', 'type="subscription",outcome="errors"', 'type="invalid",outcome="errors"'].map(
      (labels) => valueOf(`onecli_graphql_operations_total{${labels}}`),
    ),
  );

/** A connection that is ready for subscriptions. */
async function connect(headers: Record<string, string>) {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  const messages: string[] = [];
  socket.on('message', (data) => messages.push(String(data)));
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await soon(() => messages.length).toBe(1);
  const ask = (query: string, variables = {}) =>
    socket.send(JSON.stringify({ id: query, type: 'subscribe', payload: { query, variables } }));
  return { socket, messages, ask };
}

const followed = 'subscription($after: String) { auditEventWritten(after: $after) { cursor } }';

describe('operations by WebSocket', () => {
  it('are counted once each, begun or refused, and their faults', async () => {
    const { socket, ask } = await connect(basic('admin', adminPassword));
    ask('subscription { workersChanged { name } }');
    ask(followed, { after: 'nonsense' });
    ask('subscription { nothing }');
    await soon(operations).toEqual([1, 1, 1]);
    expect(await faults('INVALID')).toBe(1);
    socket.close();
    await once(socket, 'close');
    expect(await operations()).toEqual([1, 1, 1]);
  });

  it('end with what their source throws: that a role may not read any more is told, recorded and counted, once', async () => {
    await makeUser(api, 'shrinking', everywhere('auditor'));
    const { socket, messages, ask } = await connect(fromPage(api, await signIn(api, 'shrinking')));
    ask(followed);
    await soon(operations).toEqual([2, 1, 1]);
    const roles = '[{ role: AGENT_MANAGER, environments: ["*"] }]';
    await api.graphql(`mutation { updateUser(name: "shrinking", input: { roles: ${roles} }) { change } }`);
    await soon(() => messages.at(-1)).toContain('"error"');
    expect(messages.at(-1)).toContain('"code":"FORBIDDEN"');
    expect(await faults('FORBIDDEN')).toBe(1);
    const refused = await api.database.query(
      "SELECT action FROM admin_event WHERE principal = 'user:shrinking' AND outcome = 'refused'",
    );
    expect(refused).toEqual([{ action: 'audit:read' }]);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  });
});
