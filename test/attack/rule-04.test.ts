// Policy judges the exact target that is forwarded, in each reading that an upstream may have of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
      { deny: { hosts: [boundHost], paths: ['/v1/admin/**', '/v1/admin'] } },
    ],
  });
});
afterAll(() => world?.stop());

const credential = { authorization: 'Bearer onecli://prod/openai' };

describe('request targets', () => {
  it.each([
    '/v1/../admin',
    '/v1/./x',
    '/v1/..',
    '/v1/%2e%2e/admin',
    '/v1/%2E%2E/admin',
    '/v1/.%2e/admin',
    '/v1/%2e/x',
    '/v1\\..\\admin',
    '/v1/x%5c..%5cadmin',
    '/v1/x#fragment',
    '/v1/%zz',
    '/v1/%2',
    '/v1/%00',
    '/v1/%0d%0aHost:%20evil',
    '/v1/\x01',
    '/v1/\x7f',
    '/v1/caf\xe9',
    'v1/x',
    '*',
    '//evil.example/v1/x\\',
  ])('%j is malformed', async (target) => {
    const outcome = await attack(world, { bytes: requestBytes('GET', target, credential) });
    // Bytes that may stand nowhere in a request line are the codec's to refuse, before anything is a target.
    expectRefusal(outcome, 400, /[^\x20-\x7e]/.test(target) ? 'BAD_REQUEST' : 'BAD_TARGET');
  });

  it.each([
    '/v1/admin',
    '/v1/admin/keys',
    '/v1/%61dmin/keys',
    '/v1//admin/keys',
    '//v1/admin/keys',
    '/v1/admin;x/keys',
    '/v1/x%2F..%2Fadmin',
    '/v1%2Fadmin%2Fkeys',
    '/v1/admin%2Fkeys',
    '/v1/admin?x=1',
  ])('%s does not slip past a deny rule', async (target) => {
    const outcome = await attack(world, { bytes: requestBytes('GET', target, credential) });
    expect([400, 403]).toContain(outcome.answer.status);
    expect(outcome.upstreamBytes).toHaveLength(0);
    expect(outcome.events).toHaveLength(1);
    expect(outcome.events[0]?.decision).toBe('deny');
  });

  it.each(['/', '/v2/x', '/V1/x', '/v1x', '/v1'])(
    '%s is not covered by the allow rule or is the name itself',
    async (target) => {
      const outcome = await attack(world, { bytes: requestBytes('GET', target, credential) });
      if (target !== '/v1') expectRefusal(outcome, 403, 'POLICY_DENIED');
    },
  );

  it.each([
    '/v1/models',
    '/v1/models?limit=5&x=%2F',
    '/v1/files/a%20b',
    '/v1/a//b',
    '/v1/a:b@c!$&()*+,;=~',
    '/v1/?q=a/../b',
  ])('%s is forwarded byte by byte', async (target) => {
    world.upstream.reset();
    const connection = await world.tunnel();
    connection.send(requestBytes('GET', target, credential));
    expect((await connection.readResponse()).status).toBe(200);
    expect(world.upstream.requests[0]?.target).toBe(target);
    connection.close();
  });

  it('a target longer than the head limit is refused', async () => {
    const outcome = await attack(world, { bytes: requestBytes('GET', `/v1/${'a'.repeat(200_000)}`) });
    expect([414, 431]).toContain(outcome.answer.status);
    expect(outcome.upstreamBytes).toHaveLength(0);
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
