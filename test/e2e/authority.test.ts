import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../support/call-api.ts';
import { requestBytes } from '../support/raw-agent.ts';
import { runCommand } from '../support/run-command.ts';
import { waitUntil } from '../support/wait-until.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

const certificatesIn = (pem: string) => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
/** curl's exit code for a certificate that leads to no authority that it trusts. */
const untrusted = 60;

/** What an agent is given to trust, by the worker, once it is so many authorities. */
async function bundleOf(count: number, name: string): Promise<string> {
  const pem = await waitUntil(`${count} authorities are handed out`, async () => {
    const { text } = await callApi(world.onecli.proxyUrl, 'GET', '/ca.pem');
    return certificatesIn(text).length === count ? text : undefined;
  });
  expect(await world.onecli.caPem()).toBe(pem);
  return store(name, pem);
}

function store(name: string, content: string): string {
  const path = join(world.folder, name);
  writeFileSync(path, content);
  return path;
}

/** A request by curl, which trusts the file alone; gives its exit code, or the status of the answer. */
async function ask(caFile: string, host = boundHost): Promise<number> {
  const { onecli, agent, token } = world;
  const proxy = `http://${agent}:${token}@127.0.0.1:${onecli.proxyPort}`;
  const quiet = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', caFile, '--proxy', proxy];
  const { code, stdout } = await runCommand('curl', [...quiet, `https://${host}/v1/x`]);
  return code === 0 ? Number(stdout) : (code ?? -1);
}

const step = (name: string, body: object = {}) =>
  world.onecli.must<{ change: string }>('POST', `/api/authorities/${name}`, body);

describe('a certificate authority that is rotated while agents work', () => {
  it('never signs with what an agent was not given to trust before; open tunnels stay, and no worker is restarted', async () => {
    const workers = world.onecli.pidsOf('worker');
    const tunnel = await world.tunnel();
    const before = await bundleOf(1, 'before.pem');
    expect(await ask(before)).toBe(200);
    await step('rotate', { overlapHours: 1 });
    const during = await bundleOf(2, 'during.pem');
    expect([await ask(before), await ask(during)]).toEqual([200, 200]);
    expect((await world.onecli.api('POST', '/api/authorities/activate', {})).status).toBe(409);

    const answers: number[] = [];
    let isAsking = true;
    const asking = (async () => {
      while (isAsking) answers.push(await ask(during));
    })();
    await waitUntil('every worker has the next one', async () => {
      const answer = await world.onecli.api('POST', '/api/authorities/activate', { isEarly: true });
      return answer.status === 200;
    });
    await waitUntil('the next one signs', async () => (await ask(before)) === untrusted);
    await waitUntil(
      'the old one may go',
      async () => (await world.onecli.api('POST', '/api/authorities/retire', {})).status === 200,
    );
    const after = await bundleOf(1, 'after.pem');
    expect([await ask(after), await ask(before)]).toEqual([200, untrusted]);
    isAsking = false;
    await asking;
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.filter((status) => status !== 200)).toEqual([]);

    tunnel.send(requestBytes('GET', '/v1/x'));
    expect((await tunnel.readResponse()).status).toBe(200);
    tunnel.close();
    expect(world.onecli.pidsOf('worker')).toEqual(workers);
    expect(world.onecli.log).not.toContain('PRIVATE KEY');
  });
});
