import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';

let folder: string;
let onecli: Onecli;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-mistakes-'));
  onecli = await startOnecli();
});
afterAll(async () => {
  await onecli?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function told(args: string, options: { stdin?: string; env?: Record<string, string> } = {}) {
  const env = { HOME: folder, ...options.env };
  const { stderr, code } = await runOnecliCommand(onecli, args.split(' '), { stdin: '', ...options, env, cwd: folder });
  return { stderr, code };
}
const says = (text: string | RegExp, code: number) => ({
  stderr: typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text),
  code,
});

describe('what somebody gets wrong at first is told as it was typed', () => {
  it.each<[string, string | undefined, string | RegExp, number]>([
    ['secret put prod/a --host a.example', 'canary\ncanary', /^onecli: the value has several lines(?![^]*canary)/, 2],
    ['secret put prod/a --host a.example', 'onecli://prod/b', 'the value is a placeholder', 2],
    ['secret put prod/a --host https://a.example/v1', 'sk', '--host "https://a.example/v1" must be a host name', 2],
    ['secret rotate prod/a', '', 'onecli secret rotate prod/a', 2],
    ['secret rotate prod/a --length 5', '', 'go with --generate', 2],
    ['secret expire prod/a tomorrow', undefined, '<time>: expected a time such as', 2],
    ['secret rollback prod/a one', undefined, 'expected a whole number', 2],
    ['secret versions prod/nope', undefined, 'no secret "prod/nope"\n  those that are there: onecli secret list', 1],
    ['agent create My-Agent', undefined, /^onecli: name must be lower-case .*\n$/, 1],
    ['secret show prod/a', undefined, '(its help: onecli secret --help)', 2],
    ['secrets list', undefined, '(its help: onecli --help)', 2],
  ])('onecli %s', async (args, stdin, text, code) => {
    expect(await told(args, stdin === undefined ? {} : { stdin })).toEqual(says(text, code));
  });

  it('a secret that is there is not generated again', async () => {
    expect(await told('secret generate prod/there')).toMatchObject({ code: 0 });
    expect(await told('secret generate prod/there')).toEqual(says('onecli secret rotate prod/there --generate', 1));
  });

  it('a placeholder that no policy lets an agent use is named before it is refused', async () => {
    expect(await told('agent create my-agent')).toMatchObject({ code: 0 });
    const run = 'run --agent my-agent --set A=prod/there -- true';
    expect(await told(run)).toEqual(says('no policy lets "my-agent" use prod/there', 0));
    const written = await told('policy allow my-agent a.example --secrets onecli://prod/there');
    expect(written).toEqual(says('a secret is named without onecli://', 1));
    expect(await told('policy allow my-agent a.example --secrets prod/there')).toMatchObject({ code: 0 });
    expect(await told(run)).toEqual({ stderr: '', code: 0 });
  });

  it('a fault of a .env file names the secret, and prune asks whose files they are', async () => {
    writeFileSync(join(folder, '.env'), 'ACME_KEY=x\n');
    const faulty = await told('secret import .env --host ACME_KEY=https://acme.example/');
    expect(faulty).toEqual(says('prod/acme: secrets[0].binding.hosts[0] must be a host name', 1));
    writeFileSync(join(folder, 'a.yaml'), 'apiVersion: onecli/v1\n');
    expect(await told('plan -f a.yaml --prune')).toEqual(says('give --managed-by NAME', 1));
  });

  it('where no gateway is, it is told where one was looked for', async () => {
    const elsewhere = join(folder, 'elsewhere');
    expect(await told('secret list', { env: { ONECLI_DATA_DIR: elsewhere } })).toEqual(
      says(`no running gateway was found in ${elsewhere}`, 1),
    );
    const wrongly = { ONECLI_API_URL: 'http://127.0.0.1:1', ONECLI_ADMIN_PASSWORD: 'x' };
    expect(await told('secret list', { env: wrongly })).toEqual(says('no gateway answers at http://127.0.0.1:1', 1));
    expect(await told('secret list', { env: { ONECLI_ADMIN_PASSWORD: 'x' } })).toEqual(says('onecli login', 1));
  });
});
