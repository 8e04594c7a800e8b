import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn } from '../support/canary.ts';
import { expectCanariesNowhere } from '../support/attack.ts';
import { answerAsServices } from '../support/fake-services.ts';
import { node24, runAsAgent } from '../support/run-as-agent.ts';
import { startServicesWorld } from '../support/services-world.ts';
import type { RecordedRequest } from '../support/upstream-connection.ts';
import type { World } from '../support/world.ts';

const node = node24();
let world: World;
let keys: Map<string, string>;
beforeAll(async () => {
  ({ world, keys } = await startServicesWorld());
});
afterEach(() => world.upstream.reset(answerAsServices(new Set(keys.values()))));
afterAll(() => world?.stop());

async function runScript(interpreter: string, name: string): Promise<unknown> {
  const result = await runAsAgent(world, [interpreter, join(import.meta.dirname, 'clients', name)]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(canariesIn(result.stdout + result.stderr, [...keys.values()])).toEqual([]);
  return JSON.parse(result.stdout);
}

function keysAtUpstream(): Set<string> {
  const keyOf = (one: RecordedRequest): string => one.header('x-api-key') ?? one.header('authorization') ?? '';
  return new Set(world.upstream.requests.map((one) => keyOf(one).replace(/^(token|bearer) /i, '')));
}

describe.skipIf(node === undefined)(
  'Node 24 with its proxy variables (skipped where it is not installed in test/support/node24)',
  () => {
    it('the openai SDK: JSON, streaming, upload, retry', async () => {
      const result = await runScript(node ?? '', 'openai.mjs');
      expect(result).toMatchObject({ whole: 'Hello.', streamed: 'Hello.', models: 1, key: 'onecli://prod/openai' });
      expect(keysAtUpstream()).toEqual(new Set([keys.get('prod/openai')]));
      expect(world.upstream.requests.filter((one) => one.target === '/v1/models')).toHaveLength(2);
    });

    it('the Anthropic SDK: JSON and streaming', async () => {
      const result = await runScript(node ?? '', 'anthropic.mjs');
      expect(result).toEqual({ whole: 'Hello.', streamed: 'Hello.', key: 'onecli://prod/anthropic' });
      expect(keysAtUpstream()).toEqual(new Set([keys.get('prod/anthropic')]));
    });

    it('octokit', async () => {
      expect(await runScript(node ?? '', 'octokit.mjs')).toEqual({
        name: 'onecli/onecli',
        key: 'onecli://prod/github',
      });
      expect([...keysAtUpstream()].map((one) => one.replace(/^(token|bearer) /i, ''))).toEqual([
        keys.get('prod/github'),
      ]);
    });

    it('fetch: upload, chunked upload, SSE, 4 MB, 204, HEAD, an answer that ends with its connection, a refusal', async () => {
      expect(await runScript(node ?? '', 'fetch.mjs')).toEqual({
        isSame: true,
        events: 3,
        big: 4 * 1024 * 1024,
        none: 204,
        untilClose: 'until close',
        head: 200,
        denied: [403, 'PLACEHOLDER_NOT_GRANTED'],
      });
    });

    it('axios', async () => {
      expect(await runScript(node ?? '', 'axios.mjs')).toMatchObject({ isSame: true, big: 4 * 1024 * 1024 });
    });
  },
);

describe("axios on the machine's Node", () => {
  it('goes through the gateway', async () => {
    expect(await runScript(process.execPath, 'axios.mjs')).toMatchObject({ isSame: true, big: 4 * 1024 * 1024 });
  });
});

describe('afterwards', () => {
  it('no key is anywhere but at the upstreams', () => {
    expectCanariesNowhere(world);
    expect(canariesIn(world.onecli.log, [...keys.values()])).toEqual([]);
  });
});
