// Our own headers never reach an upstream, and redirects are never followed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere } from '../support/attack.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { otherHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe('what belongs to the gateway', () => {
  it('Proxy-* and X-OneCLI-* do not leave, in any letter case', async () => {
    const headers = {
      'Proxy-Connection': 'keep-alive',
      'Proxy-Authorization': 'Basic eDp5',
      'PROXY-X': '1',
      'X-OneCLI-Agent': 'admin',
      'x-onecli-error': 'X',
      'x-stay': '1',
      via: '1.1 agent',
    };
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models', headers) });
    const seen = outcome.upstreamBytes.toString('latin1').toLowerCase();
    expect(seen).not.toContain('proxy-');
    expect(seen).not.toContain('onecli');
    if (outcome.answer.status === 200) expect(seen).toContain('x-stay: 1');
  });

  it('the upstream cannot tell from the request that a gateway made it', async () => {
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models', { 'user-agent': 'x' }) });
    expect(outcome.upstreamBytes.toString('latin1')).not.toMatch(/^(via|forwarded|x-forwarded-\w+|x-request-id):/im);
  });

  it.each([301, 302, 303, 307, 308])(
    'a %i goes back to the agent and nobody is asked at its Location',
    async (status) => {
      const location = `https://${otherHost}/v1/steal`;
      world.upstream.handler = (_request, reply) => reply.send(status, { location });
      const outcome = await attack(world, {
        bytes: requestBytes('GET', '/v1/models', { authorization: 'Bearer onecli://prod/openai' }),
      });
      expect(outcome.answer.status).toBe(status);
      expect(outcome.answer.header('location')).toBe(location);
      expect(outcome.upstreamRequests).toBe(1);
    },
  );

  it('an upstream cannot pass its own answer off as ours', async () => {
    world.upstream.handler = (_request, reply) =>
      reply.send(403, { 'x-onecli-error': 'POLICY_DENIED', 'content-type': 'application/json' }, '{}');
    const outcome = await attack(world, { bytes: requestBytes('GET', '/v1/models') });
    expect(outcome.answer.status).toBe(403);
    expect(outcome.answer.header('x-onecli-error')).toBeUndefined();
  });

  it('leaves the secret nowhere', () => expectCanariesNowhere(world));
});
