import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { canariesIn, canariesInFolder, newCanary } from '../support/canary.ts';
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts';
import { plainEnvironment } from '../support/plain-environment.ts';
import { type CommandResult, mustRun, runCommand } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { type Onecli, repositoryRoot, startOnecli } from '../support/start-onecli.ts';
import { makeTestAuthority } from '../support/test-authority.ts';

const folder = join(repositoryRoot, 'docs/examples');

interface Example {
  /** Variables that hold real values when it is applied. */
  readonly variables: readonly string[];
  readonly agent: string;
  /** What its README tries, by curl, and where the real value then stands at the upstream. */
  readonly good: { readonly curl: readonly string[]; readonly arrives: string };
  readonly refused: { readonly curl: readonly string[]; readonly code: string };
}

const json = ['-H', 'Content-Type: application/json'];
const examples: Readonly<Record<string, Example>> = {
  'claude-code': {
    variables: ['ANTHROPIC_API_KEY', 'GITHUB_TOKEN'],
    agent: 'claude-code',
    good: {
      curl: ['https://api.anthropic.com/v1/models', '-H', 'x-api-key: onecli://prod/anthropic'],
      arrives: 'ANTHROPIC_API_KEY',
    },
    refused: { curl: ['-X', 'DELETE', 'https://api.github.com/repos/acme/app'], code: 'POLICY_DENIED' },
  },
  codex: {
    variables: ['OPENAI_API_KEY'],
    agent: 'codex',
    good: {
      curl: ['https://api.openai.com/v1/models', '-H', 'Authorization: Bearer onecli://prod/openai'],
      arrives: 'OPENAI_API_KEY',
    },
    refused: { curl: ['https://api.openai.com/v1/files'], code: 'POLICY_DENIED' },
  },
  openclaw: {
    variables: ['STRIPE_KEY', 'PLAID_SECRET'],
    agent: 'openclaw-finance',
    good: {
      curl: ['https://api.plaid.com/accounts/get', ...json, '-d', '{"secret":"onecli://prod/plaid"}'],
      arrives: 'PLAID_SECRET',
    },
    refused: { curl: ['https://api.stripe.com/v1/payouts'], code: 'POLICY_DENIED' },
  },
  langchain: {
    variables: ['OPENAI_API_KEY', 'TAVILY_API_KEY', 'LANGSMITH_API_KEY'],
    agent: 'research-2',
    good: {
      curl: ['https://api.tavily.com/search', ...json, '-d', '{"api_key":"onecli://prod/tavily"}'],
      arrives: 'TAVILY_API_KEY',
    },
    refused: { curl: ['https://example.com/'], code: 'POLICY_DENIED' },
  },
  'ci-runner': {
    variables: ['NPM_TOKEN'],
    agent: 'ci-self-hosted',
    good: {
      curl: [
        '-X',
        'PUT',
        'https://registry.npmjs.org/@acme/app',
        '-H',
        'Authorization: Bearer onecli://ci/npm',
        '-d',
        '{}',
      ],
      arrives: 'NPM_TOKEN',
    },
    refused: { curl: ['-X', 'PUT', 'https://registry.npmjs.org/left-pad', '-d', '{}'], code: 'POLICY_DENIED' },
  },
};

const hosts = [
  'api.anthropic.com',
  'api.github.com',
  'api.openai.com',
  'api.plaid.com',
  'api.stripe.com',
  'api.tavily.com',
  'example.com',
  'registry.npmjs.org',
];

let home: string;
let upstream: RecordingUpstream;
let onecli: Onecli;
const canaries: string[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onecli-examples-'));
  const authority = makeTestAuthority(join(home, 'authority'));
  upstream = await startUpstream({ authority, hosts });
  onecli = await startOnecli({
    upstreamCaFile: authority.caFile,
    connectTo: hosts.map((host) => `${host}:443=127.0.0.1:${upstream.port}`).join(','),
  });
});
afterAll(async () => {
  await onecli?.stop();
  await upstream?.close();
  rmSync(home, { recursive: true, force: true });
});

const cli = (args: readonly string[], env: Record<string, string> = {}) =>
  runOnecliCommand(onecli, args, { env: { HOME: home, ...env }, cwd: repositoryRoot });

/** The checkout of a job of the example's workflow: its files in `config/`, and OneCLI in `.onecli/`. */
function workspace(): string {
  const path = join(home, 'workspace');
  if (existsSync(path)) return path;
  mkdirSync(join(path, 'config'), { recursive: true });
  copyFileSync(join(folder, 'ci-runner/onecli.yaml'), join(path, 'config/onecli.yaml'));
  symlinkSync(repositoryRoot, join(path, '.onecli'));
  return path;
}

/** Makes the API keys that the example's README tells its reader to make, by the lines that it has for that. */
async function keysOfReadme(): Promise<string[]> {
  const readme = readFileSync(join(folder, 'ci-runner/README.md'), 'utf8');
  const lines = /^```sh\n(onecli key create [^`]+)```$/m.exec(readme)?.[1] ?? '';
  const onecliHere = `onecli() { node ${join(repositoryRoot, 'cli/bin/onecli.mjs')} "$@"; }`;
  const env = { ...plainEnvironment(), HOME: home, ONECLI_DATA_DIR: onecli.dataFolder };
  return (await mustRun('bash', ['-ec', `${onecliHere}\n${lines}`], { env })).trim().split('\n');
}

interface Workflow {
  readonly jobs: Record<
    string,
    { readonly steps: readonly { readonly run?: string; readonly env?: Record<string, string> }[] }
  >;
}

/** Runs the step of a job that calls OneCLI as GitHub's runners do (`bash -e`); a plan's exit code is told at the end. */
function runJob(name: 'plan' | 'apply', secrets: Readonly<Record<string, string>>): Promise<CommandResult> {
  const { jobs } = parse(readFileSync(join(folder, 'ci-runner/.github/workflows/onecli.yml'), 'utf8')) as Workflow;
  const step = jobs[name]?.steps.find(({ run }) => run?.includes(`onecli.mjs ${name} `));
  const given: Record<string, string | undefined> = { 'vars.ONECLI_API_URL': onecli.apiUrl };
  for (const [secret, value] of Object.entries(secrets)) given[`secrets.${secret}`] = value;
  const env: Record<string, string | undefined> = {
    ...plainEnvironment(),
    HOME: home,
    RUNNER_TEMP: workspace(),
    GITHUB_STEP_SUMMARY: join(workspace(), 'summary.md'),
  };
  for (const [variable, text] of Object.entries(step?.env ?? {}))
    env[variable] = given[/^\$\{\{ (\S+) \}\}$/.exec(text)?.[1] ?? ''];
  const script = `trap 'test -z "$code" || echo "code $code"' EXIT\n${step?.run}`;
  return runCommand('bash', ['-ec', script], { env, cwd: workspace() });
}

describe('the examples', () => {
  it('are all tried here, and each says how', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(examples).sort());
    for (const [name, { agent }] of Object.entries(examples)) {
      const readme = readFileSync(join(folder, name, 'README.md'), 'utf8');
      expect(readme, name).toContain(`onecli apply -f docs/examples/${name}`);
      expect(readme, name).toContain(`onecli run --agent ${agent.replace('-2', '-1')}`);
    }
  });

  it.each(Object.entries(examples))(
    '%s is applied, lets its request through and refuses the other',
    async (name, example) => {
      const values = Object.fromEntries(
        example.variables.map((variable) => [variable, newCanary(variable.toLowerCase())]),
      );
      canaries.push(...Object.values(values));
      const apply = ['apply', '-f', join(folder, name), '--yes', '--save-tokens'];
      const first = await cli(apply, values);
      expect(first, first.stderr).toMatchObject({ code: 0 });
      expect(first.stdout).toContain(`+ agent ${example.agent}`);
      const again = await cli(['plan', '-f', join(folder, name), '--prune'], values);
      expect(again, again.stdout + again.stderr).toMatchObject({ code: 0 });
      expect(canariesIn(first.stdout + first.stderr + again.stdout, canaries)).toEqual([]);

      const run = (curl: readonly string[]) =>
        cli(['run', '--agent', example.agent, '--', 'curl', '-sS', '-o', '-', '-w', '\n%{http_code}', ...curl]);
      const good = await run(example.good.curl);
      expect(good.stdout, good.stderr).toMatch(/\n200$/);
      const value = values[example.good.arrives] ?? 'no value';
      const arrived = upstream.requests.at(-1);
      expect(JSON.stringify([arrived?.headers, String(await arrived?.body())])).toContain(value);

      const before = upstream.requests.length;
      const refused = await run(example.refused.curl);
      expect(refused.stdout).toContain(example.refused.code);
      expect(upstream.requests).toHaveLength(before);
    },
  );

  it('are gone again by prune, each only what it made', async () => {
    const empty = (name: string) => `apiVersion: onecli/v1\nmanagedBy: examples/${name}\n`;
    for (const name of Object.keys(examples)) {
      const result = await runOnecliCommand(onecli, ['apply', '-f', '-', '--prune', '--yes'], {
        env: { HOME: home },
        stdin: empty(name),
      });
      expect(result, result.stderr).toMatchObject({ code: 0 });
    }
    expect(await onecli.must('GET', '/api/agents')).toMatchObject({ items: [] });
    expect(await onecli.must('GET', '/api/secrets')).toMatchObject({ items: [] });
  });

  it('of a CI runner plans by a key that cannot apply, and applies by the other one', async () => {
    const token = newCanary('ci_npm');
    canaries.push(token);
    const keys = await keysOfReadme();
    const secrets = { ONECLI_READ_KEY: keys[0] ?? '', ONECLI_APPLY_KEY: keys[1] ?? '', NPM_TOKEN: token };
    const planned = await runJob('plan', secrets);
    expect(planned, planned.stderr).toMatchObject({ code: 0, stdout: 'code 2\n' });
    expect(readFileSync(join(workspace(), 'summary.md'), 'utf8')).toContain('+ secret ci/npm\n');
    const stolen = await runJob('apply', { ...secrets, ONECLI_APPLY_KEY: secrets.ONECLI_READ_KEY });
    expect(stolen).toMatchObject({ code: 1, stderr: expect.stringContaining('This key may not secret:create in ci') });
    expect(await onecli.must('GET', '/api/secrets')).toMatchObject({ items: [] });

    const applied = await runJob('apply', secrets);
    expect(applied, applied.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(join(workspace(), 'tokens.json'), 'utf8'))).toEqual({
      'ci-self-hosted': expect.stringMatching(/^oat_/),
    });
    expect(await runJob('plan', secrets)).toMatchObject({ code: 0, stdout: 'code 0\n' });

    writeFileSync(join(workspace(), 'config/onecli.yaml'), 'apiVersion: onecli/v1\nmanagedBy: examples/ci-runner\n');
    expect(await runJob('apply', secrets)).toMatchObject({ code: 0 });
    expect(await onecli.must('GET', '/api/agents')).toMatchObject({ items: [] });
    writeFileSync(join(workspace(), 'config/onecli.yaml'), 'apiVersion: onecli/v0\n');
    expect(await runJob('plan', secrets)).toMatchObject({ code: 1, stdout: 'code 1\n' });
  });

  it('leave their keys nowhere', () => {
    expect(canaries.length).toBeGreaterThan(5);
    expect(canariesInFolder(onecli.dataFolder, canaries)).toEqual([]);
    expect(canariesInFolder(home, canaries)).toEqual([]);
    expect(canariesIn(onecli.log, canaries)).toEqual([]);
  });
});
