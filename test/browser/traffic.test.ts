import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn, newCanary } from '../support/canary.ts';
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts';
import { mustRun } from '../support/run-command.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { launchBrowser, openSession, signIn } from './browser-session.ts';
import { findViolations } from './find-violations.ts';
import { approvalFlows } from './approval-flows.ts';
import { listFlows } from './list-flows.ts';
import { type TrafficWorld, trafficFlows } from './traffic-flows.ts';
import { everythingIn } from './world.ts';

/** What no screen of the traffic may show or keep: values of secrets, a key that an agent has itself, and one that somebody tries. */
const keys = {
  'prod/openai': newCanary('openai'),
  'prod/second': newCanary('second'),
  own: newCanary('own'),
  tried: newCanary('tried'),
};
const allKeys = Object.values(keys);
let folder: string;
let upstream: RecordingUpstream;
let onecli: Onecli;
let world: TrafficWorld;

const send: TrafficWorld['send'] = async ({ name, token }, url, header = 'X-Nothing: 0') => {
  const proxy = `http://${name}:${token}@127.0.0.1:${onecli.proxyPort}`;
  return mustRun('curl', ['-sS', '--proxy', proxy, '--cacert', join(folder, 'ca.pem'), '-H', header, url]);
};

/** Two agents with a request each that is let through, one whose service sends the key back, and one that is refused. */
async function makeTraffic(): Promise<void> {
  const names = { 'my-agent': 'prod/openai', 'second-agent': 'prod/second' } as const;
  const config = {
    secrets: Object.values(names).map((name) => ({
      name,
      value: keys[name],
      binding: { hosts: ['api.openai.com'], surfaces: ['header', 'basic'] },
    })),
    agents: [...Object.keys(names), 'nosy'].map((name) => ({ name, identities: [{ token: {} }] })),
    policies: Object.entries(names).map(([name, secret]) => ({
      name,
      agents: [name],
      rules: [{ allow: { hosts: ['api.openai.com'], secrets: [secret] } }],
    })),
  };
  const { planHash } = await onecli.must<{ planHash: string }>('POST', '/api/plan', { config });
  const query = `mutation($config: ConfigurationInput!, $planHash: String!) {
    apply(config: $config, planHash: $planHash, wait: ALL, timeoutMs: 30000) { behind tokens { agent token } } }`;
  const { data } = await onecli.must<{ data: { apply: { tokens: { agent: string; token: string }[] } } }>(
    'POST',
    '/graphql',
    { query, variables: { config, planHash } },
  );
  const tokens = new Map(data.apply.tokens.map(({ agent, token }) => [agent, token]));
  const agent = (name: string) => ({ name, token: tokens.get(name) ?? '' });
  for (const [name, secret] of Object.entries(names))
    await send(agent(name), 'https://api.openai.com/v1/models', `Authorization: Bearer onecli://${secret}`);
  const own = `?key=${keys.own}`;
  upstream.handler = (request, reply) => reply.json(200, { sent: request.header('authorization') ?? '' });
  await send(
    agent('second-agent'),
    `https://api.openai.com/v1/mirror${own}`,
    'Authorization: Bearer onecli://prod/second',
  );
  upstream.handler = (_request, reply) => reply.json(200, { ok: true });
  await send(agent('nosy'), `https://api.openai.com/v1/secretive${own}`, `X-Api-Key: ${keys.own}`);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-traffic-'));
  const authority = makeTestAuthority(join(folder, 'authority'));
  upstream = await startUpstream({ authority });
  const connectTo = `api.openai.com:443=127.0.0.1:${upstream.port}`;
  onecli = await startOnecli({ upstreamCaFile: authority.caFile, connectTo });
  writeFileSync(join(folder, 'ca.pem'), await onecli.caPem());
  await makeTraffic();
  const browser = await launchBrowser();
  const main = await openSession(browser);
  const { apiUrl: url, adminPassword } = onecli;
  await signIn(main.page, url, adminPassword);
  world = { browser, url, adminPassword, main, send, must: (method, path, body) => onecli.must(method, path, body) };
});
afterAll(async () => {
  await world?.browser.close();
  await onecli?.stop();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

trafficFlows(() => world);
approvalFlows(() => world);
listFlows(() => world);

describe('each screen of the traffic', () => {
  const screens = [
    '/',
    '/findings',
    '/approvals',
    '/simulator?agent=my-agent&method=GET&url=https://api.openai.com/v1/models',
    '/map',
    '/map?agent=my-agent',
    '/workers',
    '/policies/my-agent',
  ];

  it('has nothing that axe-core finds, in the light and in the dark theme, and no value', async () => {
    const { page, context, witness } = await openSession(world.browser, { reducedMotion: 'reduce' });
    await signIn(page, world.url, world.adminPassword);
    const found: string[] = [];
    const look = async (place: string) => found.push(...(await findViolations(page, place)));
    for (const screen of screens) {
      await page.goto(world.url + screen);
      await page.getByRole('main').locator('h1').first().waitFor();
      await page.waitForLoadState('networkidle');
      await look(screen);
      expect(canariesIn(await everythingIn(page), allKeys), screen).toEqual([]);
    }
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Go to' }).waitFor();
    await look('the palette');
    expect(found).toEqual([]);
    expect(witness.answers.filter(({ url, body }) => canariesIn(url + body, allKeys).length > 0)).toEqual([]);
    await context.close();
  }, 240_000);

  it('keeps nothing of a key that somebody tries in the simulator', async () => {
    const { page, witness } = world.main;
    await page.goto(`${world.url}/simulator?agent=my-agent&method=GET&url=https://api.openai.com/v1/models`);
    await page.getByLabel('Headers').fill(`Authorization: Bearer ${keys.tried}\nX-Key: onecli://prod/openai`);
    await page.getByRole('button', { name: 'Decide' }).click();
    await page.getByText('decides', { exact: true }).waitFor();
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, history.state])',
    );
    expect(canariesIn(kept, allKeys)).toEqual([]);
    await page.goto(`${world.url}/findings`);
    // What the service sent back is told of, without the value.
    await page.getByRole('row', { name: /A secret in an answer/ }).waitFor();
    expect(canariesIn(await everythingIn(page), allKeys)).toEqual([]);
    expect(witness.answers.filter(({ url, body }) => canariesIn(url + body, allKeys).length > 0)).toEqual([]);
  });

  it('offended neither the policy of the page nor itself', () => {
    // The page asks once without a login.
    expect(world.main.witness.complaints.filter((text) => !text.includes('status of 401'))).toEqual([]);
    expect(world.main.witness.answers.length).toBeGreaterThan(20);
  });
});
