import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn } from '../support/canary.ts';
import { answerAsServices } from '../support/fake-services.ts';
import { answerAsGit } from '../support/git-backend.ts';
import { expectCanariesNowhere } from '../support/attack.ts';
import type { CommandOptions } from '../support/run-command.ts';
import { mustRun } from '../support/run-command.ts';
import { runAsAgent } from '../support/run-as-agent.ts';
import { startServicesWorld } from '../support/services-world.ts';
import type { World } from '../support/world.ts';

let world: World;
let keys: Map<string, string>;
beforeAll(async () => {
  ({ world, keys } = await startServicesWorld());
});
afterAll(() => world?.stop());

function has(...command: string[]): boolean {
  try {
    execFileSync(command[0] ?? '', command.slice(1), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function run(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runAsAgent(world, command, options);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(canariesIn(result.stdout + result.stderr, [...keys.values()])).toEqual([]);
  return result.stdout;
}

describe.skipIf(!has('curl', '--version'))('curl (skipped without curl)', () => {
  const authorization = 'Authorization: Bearer onecli://prod/openai';

  it('sends and receives', async () => {
    const out = await run(['curl', '-sS', '-H', authorization, '-d', 'hello', 'https://api.openai.com/v1/echo']);
    expect(JSON.parse(out)).toMatchObject({ length: 5 });
    expect(world.upstream.requests.at(-1)?.header('authorization')).toBe(`Bearer ${keys.get('prod/openai')}`);
  });

  it('uploads 5 MB with Expect: 100-continue and in chunks', async () => {
    const file = join(world.folder, 'upload');
    writeFileSync(file, Buffer.alloc(5 * 1024 * 1024, 'u'));
    const url = 'https://api.openai.com/v1/echo';
    const expecting = [
      'curl',
      '-sS',
      '--expect100-timeout',
      '5',
      '-H',
      'Expect: 100-continue',
      '-H',
      authorization,
      '--data-binary',
      `@${file}`,
      url,
    ];
    expect(JSON.parse(await run(expecting))).toMatchObject({ length: 5 * 1024 * 1024 });
    const chunked = [
      'curl',
      '-sS',
      '-X',
      'POST',
      '-H',
      'Transfer-Encoding: chunked',
      '-H',
      authorization,
      '-T',
      file,
      url,
    ];
    expect(JSON.parse(await run(chunked))).toMatchObject({ length: 5 * 1024 * 1024 });
  });

  it('a refused host shows its code in what curl prints', async () => {
    const result = await runAsAgent(world, ['curl', '-sSv', 'https://unknown.example/']);
    expect(result.code).toBe(56);
    expect(result.stderr).toContain('POLICY_DENIED');
  });

  it('a cut answer makes curl fail', async () => {
    world.upstream.handler = async (_request, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
      reply.end();
    };
    const result = await runAsAgent(world, ['curl', '-sS', 'https://api.openai.com/v1/cut']);
    expect(result.code).not.toBe(0);
    world.upstream.handler = answerAsServices(new Set(keys.values()));
  });
});

describe.skipIf(!has('/usr/bin/python3', '-c', 'import requests'))(
  'Python requests (skipped without python3-requests)',
  () => {
    it('upload, chunked upload, SSE, 4 MB, Basic credentials, refusals', async () => {
      const out = await run(['/usr/bin/python3', join(import.meta.dirname, 'clients/requests_client.py')]);
      expect(JSON.parse(out)).toEqual({
        isSame: true,
        events: 3,
        big: 4 * 1024 * 1024,
        basic: 401,
        denied: [403, 'PLACEHOLDER_NOT_GRANTED'],
        unknown: expect.stringContaining('POLICY_DENIED'),
      });
      const basic = Buffer.from(`x:${keys.get('prod/github')}`).toString('base64');
      expect(world.upstream.requests.some((one) => one.header('authorization') === `Basic ${basic}`)).toBe(true);
    });
  },
);

describe.skipIf(!has('/usr/bin/python3', '-c', 'import httpx'))('Python httpx (skipped without python3-httpx)', () => {
  it('upload, chunked upload, SSE, 4 MB, a refusal', async () => {
    const out = await run(['/usr/bin/python3', join(import.meta.dirname, 'clients/httpx_client.py')]);
    expect(JSON.parse(out)).toEqual({
      isSame: true,
      events: 3,
      big: 4 * 1024 * 1024,
      unknown: expect.stringContaining('POLICY_DENIED'),
    });
  });
});

describe.skipIf(!has('git', '--version'))('git over HTTPS against git-http-backend (skipped without git)', () => {
  it('clones, commits and pushes with a placeholder for a password', async () => {
    const root = join(world.folder, 'git');
    mkdirSync(root);
    await mustRun('git', ['init', '--bare', '-b', 'main', join(root, 'project.git')]);
    await mustRun('git', ['-C', join(root, 'project.git'), 'config', 'http.receivepack', 'true']);
    world.upstream.reset(answerAsGit(root, 'x', keys.get('prod/github') ?? ''));
    const clone = join(world.folder, 'clone');
    const git = (...args: string[]): Promise<string> =>
      run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args], { env: { GIT_TERMINAL_PROMPT: '0' } });
    await git('clone', 'https://x:onecli%3A%2F%2Fprod%2Fgithub@git.example/project.git', clone);
    writeFileSync(
      join(clone, 'big'),
      Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 1_000_003).join('\n'),
    );
    await git('-C', clone, 'add', 'big');
    await git('-C', clone, 'commit', '-m', 'big');
    await git('-C', clone, 'push', 'origin', 'HEAD:main');
    const again = join(world.folder, 'again');
    await git('clone', 'https://x:onecli%3A%2F%2Fprod%2Fgithub@git.example/project.git', again);
    expect(await mustRun('git', ['-C', again, 'log', '--format=%s'])).toBe('big\n');
    expect(world.upstream.receivedBytes().toString('latin1')).not.toContain('onecli://');
    world.upstream.handler = answerAsServices(new Set(keys.values()));
  });
});

describe('afterwards', () => {
  it('no key is anywhere but at the upstreams', () => {
    expectCanariesNowhere(world);
    expect(canariesIn(world.onecli.log, [...keys.values()])).toEqual([]);
  });
});
