// Policy holds for every request, whatever it looks like: limits, tunnels and monitor mode open no way around it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { openRaw, openTunnel, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, makeAgent, startWorld, type World } from '../support/world.ts';

const rated = 'rated.example';
const crowded = 'crowded.example';
const pinned = 'pinned.example';
const partly = 'partly.example';
const hosts = [rated, crowded, pinned, partly];
const hourly = { requests: 3, perSeconds: 3600 };

let world: World;
let trainee: string;
beforeAll(async () => {
  world = await startWorld({
    hosts,
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
      { allow: { hosts: [rated], paths: ['/v1/**'], methods: ['POST', 'DELETE'], rateLimit: hourly } },
      { allow: { hosts: [rated], paths: ['/v2'] } },
      { allow: { hosts: [crowded], maxConcurrent: 1 } },
      { allow: { hosts: [pinned, '10.0.0.1', '169.254.169.254', '[::1]'], tunnel: true } },
      { allow: { hosts: [partly], tunnel: true } },
      { deny: { hosts: [partly], paths: ['/admin/**'] } },
    ],
  });
  trainee = await makeAgent(world.onecli, 'trainee');
  await world.onecli.must('POST', '/api/policies', {
    name: 'trainee',
    agents: ['train*'],
    mode: 'monitor',
    rules: [{ allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } }],
  });
});
afterAll(() => world?.stop());

const credential = { authorization: 'Bearer onecli://prod/openai' };
const through = (host: string) => ({ authority: `${host}:443` });

describe('a rate limit', () => {
  it('is not used up by requests that its rule does not allow, and not dodged by how one is written', async () => {
    const send = (method: string, target: string, more: Record<string, string> = {}) =>
      attack(world, {
        tunnel: through(rated),
        bytes: requestBytes(method, target, { host: rated, ...more, 'content-length': '0' }),
      });
    for (let at = 0; at < 4; at++) {
      expectRefusal(await send('GET', '/v1/x'), 403, 'POLICY_DENIED');
      expect((await send('POST', '/v2')).answer.status).toBe(200);
    }
    const spellings: [string, string, Record<string, string>][] = [
      ['POST', '/v1/x', {}],
      ['POST', '/v1/%78%2Fy', {}],
      ['POST', '/v1//x;y', { 'x-http-method-override': 'DELETE' }],
    ];
    for (const each of spellings) expect((await send(...each)).answer.status).toBe(200);
    for (const each of spellings) expectRefusal(await send(...each), 429, 'RATE_LIMITED');
    const plain = `POST http://${rated}/v1/x HTTP/1.1\r\nHost: ${rated}\r\nContent-Length: 0\r\nProxy-Authorization: ${proxyCredentials(world.agent, world.token)}\r\n\r\n`;
    expectRefusal(await attack(world, { entry: 'plain', bytes: plain }), 429, 'RATE_LIMITED');
    expect((await send('POST', '/v2')).answer.status).toBe(200);
  });
});

describe('a limit of requests at once', () => {
  it('holds for requests that come all together, and is free again after each way to end', async () => {
    const hold = async () => {
      const connection = await world.tunnel(through(crowded));
      connection.send(requestBytes('GET', '/hold', { host: crowded }));
      return connection;
    };
    for (const end of ['answer', 'agent-away', 'upstream-away'] as const) {
      world.upstream.reset(() => undefined);
      const all = await Promise.all(Array.from({ length: 6 }, hold));
      await waitUntil(
        'all but one are refused',
        () => all.filter((one) => one.received().includes('429')).length === 5,
      );
      expect(world.upstream.requests).toHaveLength(1);
      const held = all.find((one) => one.received().length === 0);
      if (end === 'answer') world.upstream.connections.at(-1)?.socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      else if (end === 'agent-away') held?.close();
      else world.upstream.dropConnections();
      world.upstream.handler = (_request, reply) => reply.json(200, {});
      await waitUntil('its place is free', async () => {
        const next = await hold();
        const { status } = await next.readResponse();
        next.close();
        return status === 200;
      });
      for (const one of all) one.close();
    }
  });
});

describe('a tunnel', () => {
  it('goes to no other name than that of the CONNECT', async () => {
    const { answer, agentBytes, events, upstreamBytes } = await attack(world, {
      tunnel: { ...through(pinned), sni: boundHost, ca: world.authority.caPem },
    });
    expect(answer.status).toBe(200);
    expect([agentBytes.length, upstreamBytes.length]).toEqual([0, 0]);
    expect(events).toMatchObject([{ decision: 'deny', reason: 'MISDIRECTED', status: 0, host: pinned, secrets: [] }]);
  });

  it.each([
    ['a request in the clear', `GET /v1/x HTTP/1.1\r\nHost: ${boundHost}\r\n\r\n`, 'BAD_REQUEST'],
    ['a handshake that is none', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]), 'TLS_HANDSHAKE_FAILED'],
    ['a record of another kind', Buffer.from([23, 3, 3, 0, 1, 0]), 'BAD_REQUEST'],
  ])('passes nothing on of %s', async (_what, bytes, reason) => {
    world.upstream.reset();
    const since = Date.now() - 1;
    const connection = await openRaw(world.onecli.proxyPort);
    const credentials = proxyCredentials(world.agent, world.token);
    connection.send(
      `CONNECT ${pinned}:443 HTTP/1.1\r\nHost: ${pinned}:443\r\nProxy-Authorization: ${credentials}\r\n\r\n`,
    );
    expect((await connection.readResponse('CONNECT')).status).toBe(200);
    connection.send(bytes);
    await connection.untilClosed();
    expect(world.upstream.receivedBytes()).toHaveLength(0);
    const events = (await world.auditSince(since)).filter(({ host }) => host === pinned);
    expect(events).toMatchObject([{ decision: 'deny', reason, method: 'CONNECT' }]);
  });

  it.each(['10.0.0.1', '169.254.169.254', '[::1]'])('goes to no address that is refused: %s', async (host) => {
    expectRefusal(await attack(world, { tunnel: through(host) }), 403, 'ADDRESS_REFUSED');
  });

  it('carries a placeholder as it is', async () => {
    world.upstream.reset((_request, reply) => reply.json(200, {}));
    const opened = await openTunnel({
      proxyPort: world.onecli.proxyPort,
      agent: world.agent,
      token: world.token,
      ca: world.authority.caPem,
      ...through(pinned),
    });
    if (opened.kind !== 'open') throw new Error(`the tunnel did not open: ${opened.kind}`);
    opened.connection.send(requestBytes('GET', '/v1/x', { host: pinned, ...credential }));
    expect((await opened.connection.readResponse()).status).toBe(200);
    opened.connection.close();
    expect(world.upstream.requests.at(-1)?.header('authorization')).toBe(credential.authorization);
  });

  it('is none where a part of the host is denied', async () => {
    const bytes = requestBytes('GET', '/admin/x', { host: partly });
    expectRefusal(await attack(world, { tunnel: through(partly), bytes }), 403, 'POLICY_DENIED');
    const other = requestBytes('GET', '/x', { host: partly });
    expect((await attack(world, { tunnel: through(partly), bytes: other })).answer.status).toBe(200);
  });
});

describe('monitor mode', () => {
  const asTrainee = (host: string) => ({ ...through(host), agent: 'trainee', token: trainee });

  it('lets silence pass without credentials', async () => {
    const bytes = (target: string) => requestBytes('GET', target, credential);
    const granted = await attack(world, { tunnel: asTrainee(boundHost), bytes: bytes('/v1/x') });
    expect(granted.upstreamBytes.toString()).toContain(world.canary);
    for (const target of ['/v2/x', '/', '/v1%2Fx']) {
      const outcome = await attack(world, { tunnel: asTrainee(boundHost), bytes: bytes(target) });
      expectRefusal(outcome, 403, 'PLACEHOLDER_NOT_GRANTED');
    }
    const bare = await attack(world, { tunnel: asTrainee(boundHost), bytes: requestBytes('GET', '/v2/x') });
    expect(bare.events).toMatchObject([{ decision: 'allow', reason: 'MONITORED', secrets: [], rule: null }]);
  });

  it('lets nothing pass that is not for policy to allow', async () => {
    const dots = await attack(world, {
      tunnel: asTrainee(boundHost),
      bytes: requestBytes('GET', '/v1/../x', credential),
    });
    expectRefusal(dots, 400, 'BAD_TARGET');
    const elsewhere = await attack(world, {
      tunnel: asTrainee(rated),
      bytes: requestBytes('GET', '/v1/x', { host: rated, ...credential }),
    });
    expectRefusal(elsewhere, 403, 'PLACEHOLDER_NOT_GRANTED');
  });
});

describe('the secrets', () => {
  it('are nowhere else', () => {
    expectCanariesNowhere(world);
  });
});
