import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { type BrowserSession, openSession, signIn } from './browser-session.ts';

/** The started product, what traffic it had, and a page that is signed in. */
export interface TrafficWorld {
  readonly browser: Browser;
  readonly url: string;
  readonly adminPassword: string;
  readonly main: BrowserSession;
  /** Calls the API as the admin. */
  readonly must: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** Sends a request of an agent through the gateway. */
  readonly send: (agent: { name: string; token: string }, url: string, header?: string) => Promise<void>;
}

/** Screens that have to be readable on a phone. */
const narrowScreens = [
  '/',
  '/activity',
  '/findings',
  '/simulator?agent=my-agent&method=GET&url=https://api.openai.com/v1/models',
  '/map',
  '/workers',
  '/agents',
  '/secrets/prod%2Fopenai',
  '/policies/my-agent',
];

/** Overview, Activity, Findings, Simulator, the access map, Workers, and what leads to them. */
export function trafficFlows(world: () => TrafficWorld): void {
  describe('the overview', () => {
    it('has numbers that lead to what they count', () => overview(world()));
  });
  describe('findings', () => {
    it('show a placeholder that was sent where none is granted, with what to do', () => findings(world()));
  });
  describe('a live list', () => {
    it('has each event once after its connection was cut and came back', () => catchUp(world()));
    it('is where it was left, when one goes back to it', () => scrollPlace(world()));
  });
  describe('the simulator', () => {
    it('decides by keyboard alone, and says what would stand in the headers', () => simulator(world()));
  });
  describe('the access map', () => {
    it('is gone along by arrow keys, and shows what one node is connected to', () => accessMap(world()));
  });
  describe('the keys', () => {
    it('go to an agent by its name, and tell themselves', () => palette(world()));
  });
  describe('a policy that is being written', () => {
    it('tells what the last day’s requests would come to', () => impact(world()));
  });
  describe('a list of many', () => {
    it('is read on by scrolling, and only what is seen is in the page', () => longList(world()));
  });
  describe('who may only read', () => {
    it('is told so, and why buttons are off', () => readOnly(world()));
  });
  describe('a screen of 360 px', () => {
    it('is never wider than that, and has its menu', () => narrow(world()));
  });
}

async function overview({ main: { page }, url }: TrafficWorld): Promise<void> {
  await page.goto(url);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const requests = page.getByRole('link', { name: /^Requests/ });
  await expect.poll(() => requests.innerText()).toMatch(/^Requests\s+[1-9]/);
  await page.getByText('As a table').first().click();
  await page.getByRole('region', { name: 'Values over time' }).first().getByRole('link').first().waitFor();
  await page.getByRole('link', { name: /^Denied/ }).click();
  await page.waitForURL(/decision=DENY&since=/);
  await page
    .getByRole('button', { name: /api\.openai\.com\/v1\/secretive/ })
    .first()
    .waitFor();
  expect(await page.getByText('Allowed', { exact: true }).count()).toBe(1);
  await page.getByRole('button', { name: /^From / }).click();
  await expect.poll(() => page.url()).not.toContain('since=');
}

async function findings({ main: { page }, url, must, send }: TrafficWorld): Promise<void> {
  const { token } = await must<{ token: string }>('POST', '/api/agents', { name: 'curious' });
  await must('POST', '/api/policies', {
    name: 'curious',
    agents: ['curious'],
    rules: [{ allow: { hosts: ['api.openai.com'] } }],
  });
  await page.goto(`${url}/findings`);
  await page.getByText('Live', { exact: true }).waitFor();
  await send(
    { name: 'curious', token },
    'https://api.openai.com/v1/taken',
    'Authorization: Bearer onecli://prod/openai',
  );
  await page.getByRole('button', { name: 'GET api.openai.com/v1/taken' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByText('A placeholder that no rule grants').waitFor();
  await drawer.getByText('If the agent needs the secret, add it to the rule').waitFor();
  await page.goto(`${url}/workers`);
  await page.getByText('Healthy').waitFor();
}

async function catchUp({ main: { page }, url, must, send }: TrafficWorld): Promise<void> {
  const { token } = await must<{ token: string }>('POST', '/api/agents', { name: 'steady' });
  const ask = (path: string) => send({ name: 'steady', token }, `https://api.openai.com/${path}`);
  const sockets: WebSocketRoute[] = [];
  let isCut = false;
  await page.routeWebSocket('**/graphql', (socket) => {
    if (isCut) return void socket.close({ code: 1001 });
    sockets.push(socket);
    socket.connectToServer();
  });
  await page.goto(`${url}/activity?agent=steady`);
  await page.getByText('Live', { exact: true }).waitFor();
  await ask('before');
  await page.getByRole('button', { name: 'GET api.openai.com/before' }).waitFor();
  isCut = true;
  for (const socket of sockets) await socket.close({ code: 1001 });
  await page.getByText('Connecting…').waitFor();
  for (const path of ['cut-1', 'cut-2', 'cut-3']) await ask(path);
  isCut = false;
  await page.getByRole('button', { name: 'GET api.openai.com/cut-3' }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await ask('after');
  await page.getByRole('button', { name: 'GET api.openai.com/after' }).waitFor();
  const shown = await page.getByRole('button', { name: /^GET api\.openai\.com/ }).allInnerTexts();
  expect(shown.map((text) => text.split('/').pop())).toEqual(['after', 'cut-3', 'cut-2', 'cut-1', 'before']);
  await page.unrouteAll();
}

async function scrollPlace({ main: { page }, url, must }: TrafficWorld): Promise<void> {
  const names = Array.from({ length: 60 }, (_, index) => `far-${String(index).padStart(2, '0')}`);
  const agents = names.map((name) => ({ name, identities: [{ mtls: { commonName: name } }] }));
  const { planHash } = await must<{ planHash: string }>('POST', '/api/plan', { config: { agents } });
  await must('POST', '/api/apply', { config: { agents }, planHash });
  await page.goto(`${url}/agents?q=far-`);
  await page.getByRole('link', { name: 'far-55' }).click();
  await page.getByRole('heading', { name: 'far-55' }).waitFor();
  expect(await page.evaluate('window.scrollY')).toBe(0);
  await page.goBack();
  await page.getByRole('link', { name: 'far-55' }).waitFor();
  await expect.poll(() => page.evaluate('window.scrollY')).toBeGreaterThan(400);
}

async function simulator({ main: { page }, url }: TrafficWorld): Promise<void> {
  await page.goto(`${url}/simulator`);
  await page.getByRole('combobox', { name: 'Agent' }).or(page.getByLabel('Agent')).first().focus();
  const { keyboard } = page;
  await keyboard.type('my-agent');
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.type('api.openai.com/v1/models');
  await keyboard.press('Tab');
  await keyboard.type('Authorization: Bearer onecli://prod/openai');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await page.getByText('replaced prod/openai@1').waitFor();
  await page.getByText('decides', { exact: true }).waitFor();
  expect(page.url()).not.toContain('onecli');
}

async function accessMap({ main: { page }, url }: TrafficWorld): Promise<void> {
  await page.goto(`${url}/map`);
  const map = page.getByRole('region', { name: 'Map' });
  await map.getByRole('button', { name: 'my-agent' }).focus();
  await page.keyboard.press('ArrowRight');
  expect(await page.evaluate('document.activeElement.dataset.key')).toBe('host:api.openai.com');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForURL(/secret=prod%2Fopenai/);
  await expect.poll(() => map.getByRole('list', { name: 'Agents' }).innerText()).toBe('my-agent');
  await page.getByRole('row', { name: /my-agent, rule 1/ }).waitFor();
  await page.getByRole('button', { name: 'secret prod/openai' }).click();
  await map.getByRole('button', { name: 'second-agent' }).waitFor();
}

async function palette({ main: { page }, url }: TrafficWorld): Promise<void> {
  await page.goto(`${url}/activity`);
  await page.getByRole('heading', { name: 'Activity' }).waitFor();
  await page.keyboard.press('Shift+?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
  await page.keyboard.press('Control+k');
  const input = page.getByRole('combobox', { name: 'Go to' });
  await input.waitFor();
  await page.keyboard.type('my-ag');
  await page.getByRole('option', { name: 'my-agent Agent' }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/agents/my-agent');
}

async function impact({ main: { page }, url }: TrafficWorld): Promise<void> {
  await page.goto(`${url}/policies/my-agent`);
  await page.getByText(/None of [\d,.]+ requests/).waitFor();
  await page
    .getByLabel('YAML')
    .fill('name: my-agent\nagents: [my-agent]\nrules:\n  - deny: { hosts: [api.openai.com] }\n');
  await page.getByText('would be decided differently').waitFor();
  const row = page.getByRole('region', { name: 'Requests that would be decided differently' }).getByRole('row').nth(1);
  expect(await row.innerText()).toMatch(
    /my-agent\s+GET api\.openai\.com\/v1\/models\s+1\s+Allowed by my-agent, rule 1\s+Denied by my-agent, rule 1/,
  );
  await page.getByRole('row', { name: 'Rule 1 Allow everything to api.openai.com, with prod/openai Deny' }).waitFor();
}

/** More than a page of the API, and than are in the page at once. */
const many = 170;
const atOnce = 34;

async function longList({ main: { page }, url, must }: TrafficWorld): Promise<void> {
  const names = Array.from({ length: many }, (_, index) => `bulk-${String(index).padStart(4, '0')}`);
  for (let from = 0; from < many; from += atOnce) {
    const config = {
      agents: names.slice(from, from + atOnce).map((name) => ({ name, identities: [{ mtls: { commonName: name } }] })),
    };
    const { planHash } = await must<{ planHash: string }>('POST', '/api/plan', { config });
    await must('POST', '/api/apply', { config, planHash });
  }
  await page.goto(`${url}/agents?q=bulk-`);
  await page.getByRole('link', { name: 'bulk-0000' }).waitFor();
  const last = page.getByRole('link', { name: names.at(-1) ?? '' });
  await expect
    .poll(
      async () => {
        await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)');
        return last.count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(many + 1));
  expect(await page.locator('tbody tr').count()).toBeLessThan(120);
}

async function readOnly({ browser, url, must }: TrafficWorld): Promise<void> {
  const roles = [{ role: 'auditor', environments: ['*'] }];
  const { token } = await must<{ token: string }>('POST', '/api/users', { name: 'looker', roles });
  const password = 'a-password-for-looking-7';
  await must('POST', '/api/password', { token, password });
  const { page, context } = await openSession(browser);
  await signIn(page, url, password, 'looker');
  await page.getByText('Read only').waitFor();
  await page.goto(`${url}/agents`);
  const button = page.getByRole('link', { name: 'New agent' });
  expect(await button.getAttribute('aria-disabled')).toBe('true');
  expect(await button.getAttribute('title')).toContain('agent:create');
  await button.click({ force: true });
  expect(page.url()).toMatch(/\/agents$/);
  await context.close();
}

async function narrow({ browser, url, adminPassword }: TrafficWorld): Promise<void> {
  const { page, context } = await openSession(browser, { viewport: { width: 360, height: 720 } });
  await signIn(page, url, adminPassword);
  const wide: string[] = [];
  for (const screen of narrowScreens) {
    await page.goto(url + screen);
    await page.getByRole('main').locator('h1').first().waitFor();
    await settle(page);
    if (await page.evaluate<boolean>('document.documentElement.scrollWidth > 360')) wide.push(screen);
  }
  expect(wide).toEqual([]);
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Secrets' }).click();
  await page.waitForURL('**/secrets');
  await page.getByRole('navigation', { name: 'Screens' }).waitFor({ state: 'hidden' });
  await context.close();
}

/** Waits until what the screen asked for is shown. */
async function settle(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
}
