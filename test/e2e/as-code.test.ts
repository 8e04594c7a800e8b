import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn, canariesInFolder, newCanary } from '../support/canary.ts';
import { argumentsAndEnvironment } from '../support/process-facts.ts';
import type { CommandResult } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';

const canaries = { STRIPE_KEY: newCanary('stripe'), SECOND_KEY: newCanary('second'), ACME_KEY: newCanary('acme') };
let folder: string;
let onecli: Onecli;
let said = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-as-code-'));
  mkdirSync(join(folder, 'home'));
  onecli = await startOnecli();
});
afterAll(async () => {
  await onecli?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function cli(
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string } = {},
): Promise<CommandResult> {
  const result = await runOnecliCommand(onecli, args, {
    env: { HOME: join(folder, 'home'), ...options.env },
    cwd: folder,
    ...(options.stdin !== undefined && { stdin: options.stdin }),
  });
  said += result.stdout + result.stderr;
  return result;
}
const values = { env: { STRIPE_KEY: canaries.STRIPE_KEY } };

const file = (methods: string) => `apiVersion: onecli/v1
managedBy: tests
secrets:
  - name: prod/stripe
    valueFrom: { env: STRIPE_KEY }
    binding: { hosts: [api.stripe.com] }
agents:
  - name: finance-1
    labels: { team: finance }
---
apiVersion: onecli/v1
policies:
  - name: finance
    agents: [{ labels: { team: finance } }]
    rules:
      - allow: { hosts: [api.stripe.com], methods: [${methods}], secrets: [prod/stripe] }
`;

describe('plan, apply, diff and export', () => {
  it('a fault in a file has its place, and exit code 1, as every fault has', async () => {
    writeFileSync(join(folder, 'bad.yaml'), file('get'));
    const bad = await cli(['plan', '-f', 'bad.yaml'], values);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('bad.yaml:16:53: policies[0].rules[0].allow.methods[0] must be an HTTP method');
    for (const args of [
      ['plan'],
      ['plan', '-f', 'gone.yaml'],
      ['plan', '-f', 'bad.yaml', '--bogus'],
      ['diff', '-f', 'bad.yaml'],
    ])
      expect(await cli(args), args.join(' ')).toMatchObject({ code: 1, stdout: '' });
    writeFileSync(join(folder, 'good.yaml'), file('GET'));
    const missing = await cli(['plan', '-f', 'good.yaml']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('good.yaml:5:16: the environment variable STRIPE_KEY is not set');
  });

  it('plan shows changes with exit code 2 and changes nothing', async () => {
    const plan = await cli(['plan', '-f', 'good.yaml'], values);
    expect(plan.code).toBe(2);
    expect(plan.stdout).toContain('+ secret prod/stripe\n');
    expect(plan.stdout).toContain('value: (new value)');
    expect(plan.stdout).toContain('3 to create');
    expect(plan.stdout).not.toContain('\u001b');
    expect(await onecli.must('GET', '/api/secrets')).toMatchObject({ items: [] });
  });

  it('apply asks for a place for tokens and for a yes before it does anything', async () => {
    const unasked = await cli(['apply', '-f', 'good.yaml'], values);
    expect(unasked).toMatchObject({ code: 1 });
    expect(unasked.stderr).toContain('there is nobody to ask');
    const nowhere = await cli(['apply', '-f', 'good.yaml', '--yes'], values);
    expect(nowhere).toMatchObject({ code: 1 });
    expect(nowhere.stderr).toContain('say where they go');
    const otherPlan = await cli(['apply', '-f', 'good.yaml', '--save-tokens', '--plan-hash', 'ab'.repeat(32)], values);
    expect(otherPlan).toMatchObject({ code: 1 });
    expect(otherPlan.stderr).toContain('plan again');
    expect(await onecli.must('GET', '/api/secrets')).toMatchObject({ items: [] });
  });

  it('apply by the hash of a plan does it, and puts tokens into a file of mode 0600', async () => {
    const plan = await cli(['plan', '-f', 'good.yaml', '--json'], values);
    const { planHash } = JSON.parse(plan.stdout) as { planHash: string };
    const apply = ['apply', '-f', 'good.yaml', '--plan-hash', planHash, '--tokens-to', 'tokens.json'];
    const done = await cli(apply, values);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const tokens = JSON.parse(readFileSync(join(folder, 'tokens.json'), 'utf8')) as Record<string, string>;
    expect(tokens).toEqual({ 'finance-1': expect.stringMatching(/^oat_/) });
    expect(statSync(join(folder, 'tokens.json')).mode & 0o777).toBe(0o600);
    expect(done.stdout + done.stderr + plan.stdout).not.toContain('oat_');
    expect(await cli(['plan', '-f', 'good.yaml'], values)).toMatchObject({ code: 0 });
    expect(await cli(['apply', '-f', 'good.yaml'], values)).toMatchObject({ code: 0 });
  });

  it('diff shows what was changed by hand, with exit code 2', async () => {
    expect(await cli(['diff', '-f', 'good.yaml', '--no-values'])).toMatchObject({ code: 0 });
    await onecli.must('PUT', '/api/secrets/prod%2Fstripe', { description: 'by hand', value: canaries.SECOND_KEY });
    const diff = await cli(['diff', '-f', 'good.yaml'], values);
    expect(diff.code).toBe(2);
    expect(diff.stdout).toContain(
      '~ secret prod/stripe (differs)\n    description: "by hand" → ""\n    value: (new value)',
    );
    expect(await cli(['apply', '-f', 'good.yaml', '--yes'], values)).toMatchObject({ code: 0 });
  });

  it('export gives a file that changes nothing, with the values and without', async () => {
    const exported = await cli(['export', '--managed-by', 'tests']);
    expect(exported).toMatchObject({ code: 0 });
    expect(exported.stdout).toContain('env: STRIPE_API_KEY');
    const plan = ['plan', '-f', '-', '--prune'];
    expect(await cli([...plan, '--no-values'], { stdin: exported.stdout })).toMatchObject({ code: 0 });
    const given = { stdin: exported.stdout, env: { STRIPE_API_KEY: canaries.STRIPE_KEY } };
    const same = await cli(plan, given);
    expect(same, same.stdout + same.stderr).toMatchObject({ code: 0 });
  });

  it('prune deletes what is no longer named, and an abandoned apply leaves no file of tokens', async () => {
    writeFileSync(join(folder, 'less.yaml'), 'apiVersion: onecli/v1\nmanagedBy: tests\nagents: [{name: taken-over}]\n');
    const failing = await cli(['apply', '-f', 'less.yaml', '--prune', '--yes', '--tokens-to', 'gone/tokens.json']);
    expect(failing).toMatchObject({ code: 1 });
    expect(await onecli.must('GET', '/api/policies')).toMatchObject({ items: [{ name: 'finance' }] });
    const done = await cli(['apply', '-f', 'less.yaml', '--prune', '--yes', '--print-tokens']);
    expect(done.stdout).toMatch(/- policy finance\n(?:.*\n)*taken-over oat_/);
    said = said.replaceAll(/oat_\S+/g, '');
    expect(await onecli.must('GET', '/api/policies')).toMatchObject({ items: [] });
  });
});

describe('an apply whose answer is lost', () => {
  it('says that it may have been done, and how to come by the tokens', async () => {
    const cutter = createServer((request, response) => {
      const onward = httpRequest(`${onecli.apiUrl}${request.url}`, {
        method: request.method,
        headers: request.headers,
      });
      onward.on('response', (answer) => {
        if (request.url === '/api/apply') return void answer.resume().on('end', () => request.socket.destroy());
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await once(cutter.listen(0, '127.0.0.1'), 'listening');
    const { port } = cutter.address() as AddressInfo;
    const env = { ONECLI_API_URL: `http://127.0.0.1:${port}`, ONECLI_ADMIN_PASSWORD: onecli.adminPassword };
    writeFileSync(join(folder, 'lost.yaml'), 'apiVersion: onecli/v1\nagents: [{name: lost-1}]\n');
    const apply = ['apply', '-f', 'lost.yaml', '--yes', '--tokens-to', 'lost.json'];
    const lost = await cli(apply, { env });
    cutter.close();
    expect(lost).toMatchObject({ code: 1 });
    expect(lost.stderr).toContain('it may have been applied');
    expect(lost.stderr).toContain('onecli agent rotate lost-1');
    expect(lost.stderr).not.toContain('no gateway answers');
    expect(await onecli.must('GET', '/api/agents/lost-1')).toMatchObject({ name: 'lost-1' });
    const again = await cli(apply);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('nothing to do');
  });
});

describe('a .env file', () => {
  const text = () => `# keys of the project
STRIPE_API_KEY="${canaries.STRIPE_KEY}"   # live
ACME_KEY=${canaries.ACME_KEY}
PORT=3000
`;

  it('is not rewritten before the gateway holds its keys', async () => {
    writeFileSync(join(folder, '.env'), text());
    chmodSync(join(folder, '.env'), 0o640);
    const early = await cli(['env', 'rewrite', '.env']);
    expect(early).toMatchObject({ code: 1 });
    expect(early.stderr).toContain('does not hold its value');
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(text());
  });

  it('is imported whole, bound where it is known where to', async () => {
    const dry = await cli(['secret', 'import', '.env', '--dry-run']);
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(await onecli.must('GET', '/api/secrets')).toMatchObject({ items: [] });
    const done = await cli(['secret', 'import', '.env']);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    expect(done.stderr).toContain('prod/acme is bound to no host');
    expect(await onecli.must('GET', '/api/secrets')).toMatchObject({
      items: [
        { name: 'prod/acme', binding: null },
        { name: 'prod/stripe', binding: { hosts: ['api.stripe.com'] } },
      ],
    });
    await onecli.must('PUT', '/api/secrets/prod%2Fstripe', {
      leaseSeconds: 60,
      binding: { hosts: ['stripe.example'], surfaces: ['basic'] },
    });
    const stripe = await onecli.must('GET', '/api/secrets/prod%2Fstripe');
    const bind = ['secret', 'import', '.env', '--host', 'ACME_KEY=api.acme.example'];
    const unasked = await cli(bind);
    expect(unasked).toMatchObject({ code: 1 });
    expect(unasked.stderr).toContain('more than the value of prod/acme would change');
    expect(await onecli.must('GET', '/api/secrets/prod%2Facme')).toMatchObject({ binding: null });
    const bound = await cli([...bind, '--yes']);
    expect(bound, bound.stderr).toMatchObject({ code: 0 });
    expect(await onecli.must('GET', '/api/secrets/prod%2Fstripe')).toEqual(stripe);
    expect(await onecli.must('GET', '/api/secrets/prod%2Facme')).toMatchObject({
      version: 1,
      binding: { hosts: ['api.acme.example'] },
    });
  });

  it('then holds placeholders, and is the same in all else', async () => {
    const done = await cli(['env', 'rewrite', '.env']);
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const after = text()
      .replace(canaries.STRIPE_KEY, 'onecli://prod/stripe')
      .replace(canaries.ACME_KEY, 'onecli://prod/acme');
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(after);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o640);
    expect(existsSync(join(folder, '.env.bak'))).toBe(false);
    expect(await cli(['env', 'rewrite', '.env'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(after);
  });

  it('keeps what can be read in more than one way, and the exit code says so', async () => {
    const odd = `DB_PASSWORD=abc#${canaries.ACME_KEY}\nexport ACME_KEY=${canaries.ACME_KEY}\n`;
    writeFileSync(join(folder, 'odd.env'), odd);
    const imported = await cli(['secret', 'import', 'odd.env', '--dry-run']);
    expect(imported.stderr).toContain('left DB_PASSWORD on line 1: it can be read in more than one way');
    const done = await cli(['env', 'rewrite', 'odd.env']);
    expect(done).toMatchObject({ code: 1 });
    expect(done.stderr).toContain('1 of 2 keys are still in odd.env');
    const after = odd.replace(`export ACME_KEY=${canaries.ACME_KEY}`, 'export ACME_KEY=onecli://prod/acme');
    expect(readFileSync(join(folder, 'odd.env'), 'utf8')).toBe(after);
    rmSync(join(folder, 'odd.env'));
  });
});

describe('the values', () => {
  it('are in no output, no file and no process', () => {
    const all = Object.values(canaries);
    expect(canariesIn(said, all)).toEqual([]);
    expect(canariesIn(onecli.log, all)).toEqual([]);
    expect(canariesInFolder(onecli.dataFolder, all)).toEqual([]);
    expect(canariesInFolder(folder, all)).toEqual([]);
    for (const { pid } of onecli.processes()) expect(canariesIn(argumentsAndEnvironment(pid), all)).toEqual([]);
  });
});
