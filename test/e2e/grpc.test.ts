import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import { type GrpcServer, startGrpcServer } from '../support/grpc-server.ts';
import { untilReachable } from '../support/http2-agent.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { waitUntil } from '../support/wait-until.ts';
import { putSecret, startWorld, type World } from '../support/world.ts';

const host = 'grpc.example';
let world: World;
let server: GrpcServer;
beforeAll(async () => {
  world = await startWorld({
    beside: async (authority) => {
      server = await startGrpcServer(authority, host);
      return [`${host}:443=127.0.0.1:${server.port}`];
    },
  });
  await putSecret(world.onecli, 'prod/grpc', world.canary, [host]);
  const methods = ['Unary', 'Collect', 'Expand', 'Chat', 'Fail', 'Hang'].map((name) => `/echo.Echo/${name}`);
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      { allow: { hosts: [host], paths: methods, methods: ['POST'], secrets: ['prod/grpc'] } },
      { allow: { hosts: ['api.openai.com'], paths: ['/v1/**'] } },
    ],
  });
  await untilReachable(world, host);
});
afterAll(async () => {
  await world?.stop();
  server?.close();
});

describe('@grpc/grpc-js as client and server', () => {
  it('every kind of call, with metadata, trailers, deadlines, cancelling and error statuses', async () => {
    const since = Date.now() - 1;
    const script = join(import.meta.dirname, 'clients/grpc.mjs');
    const result = await runAsAgent(world, [process.execPath, script, host]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(canariesIn(result.stdout + result.stderr, world.canaries)).toEqual([]);
    expect(JSON.parse(result.stdout)).toEqual({
      unary: { value: 'unary hello', trailer: 'of-unary' },
      big: 300_006,
      compressed: 300_006,
      collect: 'a,b,c',
      expand: { parts: ['x', 'y', 'z'], code: 0 },
      chat: { parts: ['M0', 'M1', 'M2'], code: 0 },
      fail: { error: { code: 5, details: 'no such thing: 100% gone' } },
      deadline: { parts: ['begun'], code: 4 },
      cancel: { parts: ['begun'], code: 1 },
      outside: { error: { code: 7, details: expect.stringContaining('Policy') }, onecli: 'POLICY_DENIED' },
      ungranted: { error: { code: 7, details: expect.any(String) }, onecli: 'PLACEHOLDER_NOT_GRANTED' },
    });
    expect(new Set(server.keys)).toEqual(new Set([`Bearer ${world.canary}`]));
    await waitUntil('the server knows of both', () => server.cancelled.length === 2);
    expect([...server.cancelled].sort()).toEqual(['cancel', 'deadline']);
    const events = (await world.auditSince(since)).filter((event) => event.host === host);
    // At the deadline server and client give up at the same time: whoever is first is what is recorded.
    const hung = events.filter(({ path }) => path.endsWith('/Hang')).map(({ reason }) => reason);
    expect(hung).toHaveLength(2);
    expect(hung).toContain('AGENT_GONE');
    // A refusal of a gRPC call has no body.
    expect(events.find(({ path }) => path.endsWith('/Forbidden'))?.responseBytes).toBe(0);
    const others = events.filter(({ path }) => !path.endsWith('/Hang'));
    expect(others.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual([
      '/echo.Echo/Chat ALLOWED',
      '/echo.Echo/Collect ALLOWED',
      '/echo.Echo/Expand ALLOWED',
      '/echo.Echo/Fail ALLOWED',
      '/echo.Echo/Forbidden POLICY_DENIED',
      '/echo.Echo/Unary ALLOWED',
      '/echo.Echo/Unary ALLOWED',
      '/echo.Echo/Unary ALLOWED',
      '/echo.Echo/Unary PLACEHOLDER_NOT_GRANTED',
    ]);
  });

  it('a server that is away: UNAVAILABLE', async () => {
    server.close();
    const script = join(import.meta.dirname, 'clients/grpc.mjs');
    const result = await runAsAgent(world, [process.execPath, script, host]);
    expect(JSON.parse(result.stdout)).toMatchObject({
      unary: { error: { code: 14 }, onecli: 'UPSTREAM_UNREACHABLE' },
      collect: 14,
      outside: { error: { code: 7 } },
    });
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
