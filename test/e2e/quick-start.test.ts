import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn, canariesInFolder, newCanary } from '../support/canary.ts';
import { argumentsAndEnvironment } from '../support/process-facts.ts';
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts';
import { mustRun } from '../support/run-command.ts';
import { runOnecliCommand } from '../support/run-onecli-command.ts';
import { type Onecli, repositoryRoot, startOnecli } from '../support/start-onecli.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { waitUntil } from '../support/wait-until.ts';

const key = newCanary('quick-start');
let home: string;
let upstream: RecordingUpstream;
let onecli: Onecli;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'onecli-home-'));
  const authority = makeTestAuthority(join(home, 'authority'));
  upstream = await startUpstream({ authority });
  onecli = await startOnecli({
    upstreamCaFile: authority.caFile,
    connectTo: `api.openai.com:443=127.0.0.1:${upstream.port}`,
    env: { ONECLI_ADMIN_PASSWORD: undefined },
  });
});
afterAll(async () => {
  await onecli?.stop();
  await upstream?.close();
  rmSync(home, { recursive: true, force: true });
});

async function cli(...args: string[]): Promise<string> {
  const result = await runOnecliCommand(onecli, args, { env: { HOME: home } });
  expect(result, `onecli ${args.join(' ')}`).toMatchObject({ code: 0 });
  return result.stdout;
}

const script = `
import os, sys, json, urllib.request
key = os.environ["OPENAI_API_KEY"]
request = urllib.request.Request("https://api.openai.com/v1/chat/completions", data=b"{}",
    headers={"Authorization": "Bearer " + key, "Content-Type": "application/json"})
print(json.dumps({"status": urllib.request.urlopen(request).status, "key": key}))
`;

describe('from a fresh data folder to an injected request', () => {
  let password: string;

  it('the first start prints where it is and the generated admin password, once', async () => {
    password = await waitUntil('the password is printed', () => /login is admin \/ (\S{12,})/.exec(onecli.log)?.[1]);
    expect(onecli.log).toContain(String(onecli.proxyPort));
    expect(onecli.log).toContain(String(onecli.apiPort));
    expect(onecli.log.split(password)).toHaveLength(2);
  });

  it('the secret is stored by curl with that password', async () => {
    const body = JSON.stringify({
      name: 'prod/openai',
      value: key,
      description: '…',
      binding: { hosts: ['api.openai.com'], surfaces: ['header'] },
    });
    const curl = [
      '-sS',
      '-w',
      '\n%{http_code}',
      '-u',
      `admin:${password}`,
      '-X',
      'POST',
      `${onecli.apiUrl}/api/secrets`,
    ];
    const out = await mustRun('curl', [...curl, '-H', 'Content-Type: application/json', '-d', '@-'], { stdin: body });
    expect(out).toMatch(/\n201$/);
    expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({ name: 'prod/openai', version: 1 });
  });

  it('agent create prints a token, policy allow opens the host, run gets the request through', async () => {
    const token = (await cli('agent', 'create', 'my-agent')).trim();
    expect(token).toMatch(/^\S{20,}$/);
    await cli('policy', 'allow', 'my-agent', 'api.openai.com', '--paths', '/v1/**', '--secrets', 'prod/openai');
    const out = await cli('run', '--agent', 'my-agent', '--', '/usr/bin/python3', '-c', script);
    expect(JSON.parse(out)).toEqual({ status: 200, key: 'onecli://prod/openai' });
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]?.header('authorization')).toBe(`Bearer ${key}`);
  });

  it('onecli audit shows the request', async () => {
    const line = await waitUntil('the request is in the audit trail', async () =>
      (await cli('audit', '--json')).split('\n').find((one) => one.includes('/v1/chat/completions')),
    );
    expect(JSON.parse(line)).toMatchObject({
      agent: 'my-agent',
      decision: 'allow',
      host: 'api.openai.com',
      port: 443,
      method: 'POST',
      status: 200,
      secrets: ['prod/openai@1'],
    });
    expect(await cli('audit')).toContain('api.openai.com');
  });

  it('onecli audit verify finds the trail sound: in the gateway, as a file, and without OneCLI', async () => {
    expect(await cli('audit', 'verify')).toMatch(/MACs checked: sound$/m);
    const [file, note] = [join(home, 'trail.jsonl'), join(home, 'kept.note')];
    writeFileSync(note, await cli('audit', 'checkpoint'));
    await cli('audit', 'export', '--format', 'jsonl', '-o', file);
    expect(await cli('audit', 'verify', file, '--checkpoint', note)).toContain(': sound');
    const script = join(repositoryRoot, 'infra/audit/verify_audit.py');
    expect(await mustRun('python3', [script, file, '--checkpoint', note])).toContain(': sound');
  });

  it('onecli ca prints the authority, doctor finds nothing wrong, env prints what run sets', async () => {
    expect(await cli('ca')).toBe(await onecli.caPem());
    await cli('doctor', '--agent', 'my-agent');
    const shell = await cli('env', '--agent', 'my-agent');
    expect(shell).toContain('HTTPS_PROXY');
    expect(shell).toContain('onecli://prod/openai');
  });

  it('run passes the exit code of its command through', async () => {
    const result = await runOnecliCommand(onecli, ['run', '--agent', 'my-agent', '--', 'sh', '-c', 'exit 7'], {
      env: { HOME: home },
    });
    expect(result.code).toBe(7);
  });

  it('a second start on the same folder keeps everything and does not print the password again', async () => {
    onecli.child.kill('SIGTERM');
    expect(await onecli.exitCode()).toBe(0);
    const options = {
      dataFolder: onecli.dataFolder,
      upstreamCaFile: join(home, 'authority/ca.pem'),
      env: { ONECLI_ADMIN_PASSWORD: undefined },
    };
    const again = await startOnecli({ ...options, connectTo: `api.openai.com:443=127.0.0.1:${upstream.port}` });
    try {
      expect(again.log).not.toContain(password);
      const headers = ['-sS', '-u', `admin:${password}`, `${again.apiUrl}/api/secrets`];
      expect(JSON.parse(await mustRun('curl', headers))).toMatchObject({ items: [{ name: 'prod/openai' }] });
    } finally {
      await again.stop();
    }
  });

  it('the key is nowhere but at the upstream', () => {
    expect(canariesInFolder(onecli.dataFolder, [key])).toEqual([]);
    expect(canariesInFolder(home, [key])).toEqual([]);
    expect(canariesIn(onecli.log, [key])).toEqual([]);
    for (const { pid } of onecli.processes()) expect(canariesIn(argumentsAndEnvironment(pid), [key])).toEqual([]);
  });
});
