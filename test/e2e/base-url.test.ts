// Clients that honour no proxy, by their base URL.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectCanariesNowhere } from '../support/attack.ts';
import { canariesIn } from '../support/canary.ts';
import { answerAsServices } from '../support/fake-services.ts';
import type { CommandResult } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { startServicesWorld } from '../support/services-world.ts';
import type { World } from '../support/world.ts';

let world: World;
let keys: Map<string, string>;
beforeAll(async () => {
  ({ world, keys } = await startServicesWorld());
});
afterEach(() => world.upstream.reset(answerAsServices(new Set(keys.values()))));
afterAll(() => world?.stop());

/** Runs a command as the agent, with further options of `onecli run`. */
async function run(options: readonly string[], command: readonly string[]): Promise<CommandResult> {
  const env = { HOME: world.folder, ONECLI_AGENT_TOKEN: world.token };
  const args = ['run', '--agent', world.agent, ...options, '--', ...command];
  const result = await runOnecliCommand(world.onecli, args, { env });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(canariesIn(result.stdout + result.stderr, [...keys.values()])).toEqual([]);
  return result;
}

function expectRealKeyAlone(): void {
  expect(world.upstream.requests.length).toBeGreaterThan(0);
  const credentials = world.upstream.requests.map((one) => one.header('authorization'));
  expect(new Set(credentials)).toEqual(new Set([`Bearer ${keys.get('prod/openai')}`]));
  expect(canariesIn(world.upstream.receivedBytes(), [world.token])).toEqual([]);
}

describe("this machine's Node, whose fetch honours no proxy", () => {
  it('runs the openai SDK by OPENAI_BASE_URL: JSON, streaming, upload, retry', async () => {
    const script = join(import.meta.dirname, 'clients/openai.mjs');
    const { stdout } = await run(['--base-url', 'OPENAI_BASE_URL=api.openai.com/v1'], [process.execPath, script]);
    expect(JSON.parse(stdout)).toMatchObject({
      whole: 'Hello.',
      streamed: 'Hello.',
      models: 1,
      key: 'onecli://prod/openai',
    });
    expectRealKeyAlone();
  });

  it('is not tried again by the SDK where the gateway says that it is of no use', async () => {
    const script = `import OpenAI from 'openai';
      const client = new OpenAI({ maxRetries: 2, apiKey: 'onecli://prod/absent' });
      const failed = await client.models.list().catch((error) => error);
      console.log(failed.status, failed.code, failed.headers.get('x-should-retry'));`;
    const node = [process.execPath, '--input-type=module', '-e', script];
    const { stdout } = await run(['--base-url', 'OPENAI_BASE_URL=api.openai.com/v1'], node);
    expect(stdout.trim()).toBe('403 PLACEHOLDER_NOT_GRANTED false');
    await world.auditSince(Date.now());
    expect((await world.audit()).filter(({ reason }) => reason === 'PLACEHOLDER_NOT_GRANTED')).toHaveLength(1);
  });
});

describe('Python', () => {
  it('urllib by ONECLI_BASE_URL, although HTTP_PROXY is set: upload, SSE, 4 MB', async () => {
    const { stdout } = await run([], ['python3', join(import.meta.dirname, 'clients/base_url_client.py')]);
    expect(JSON.parse(stdout)).toEqual({ isSame: true, events: 3, big: 4 * 1024 * 1024 });
    expectRealKeyAlone();
  });
});

describe('onecli run', () => {
  it('says what is wrong with a base URL', async () => {
    const args = ['run', '--agent', world.agent, '--base-url', 'X=http://h/', '--', 'true'];
    const env = { HOME: world.folder, ONECLI_AGENT_TOKEN: world.token };
    const result = await runOnecliCommand(world.onecli, args, { env });
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('--base-url X') as string });
  });
});

describe('what the product keeps', () => {
  it('has no secret and no token in it', () => {
    expectCanariesNowhere(world);
    expect(canariesIn(world.onecli.log, [world.token])).toEqual([]);
  });
});
