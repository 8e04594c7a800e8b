import type { Browser, WebSocketRoute } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { type BrowserSession, openSession, plainHost, signIn } from './browser-session.ts';

/** The started product, what traffic it had, and a page that is signed in. */
export interface TrafficWorld {
  readonly browser: Browser;
  readonly url: string;
  readonly adminPassword: string;
  readonly main: BrowserSession;
  /** Calls the API as the admin. */
  readonly must: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** Sends a request of an agent through the gateway, and gives the text of the answer. */
  readonly send: (agent: { name: string; token: string }, url: string, header?: string) => Promise<string>;
}

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
  describe('a rule for what was refused', () => {
    it('keeps what was written in each policy that it could be put into', () => ruleInto(world()));
  });
  describe('a page without a clipboard', () => {
    it('copies all the same', () => copyWithoutClipboard(world()));
  });
  describe('a screen whose script is gone', () => {
    it('says so, and takes no other away', () => scriptGone(world()));
  });
  describe('who may only read', () => {
    it('is told so, and why buttons are off', () => readOnly(world()));
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

async function ruleInto({ main: { page }, url }: TrafficWorld): Promise<void> {
  await page.goto(`${url}/new/rule?agent=my-agent&host=api.openai.com&method=GET&path=/v1/put`);
  const [into, text] = [page.getByLabel('Put the rule into'), page.getByLabel('YAML')];
  await text.waitFor();
  expect(await into.inputValue()).toBe('my-agent');
  await text.fill(`${await text.inputValue()}# in the one`);
  await into.selectOption('a new policy, my-agent-more');
  await expect.poll(() => text.inputValue()).toContain('name: my-agent-more');
  expect(await text.inputValue()).not.toContain('# in the one');
  await text.fill(`${await text.inputValue()}# in the other`);
  await into.selectOption('the policy my-agent');
  await expect.poll(() => text.inputValue()).toMatch(/name: my-agent\n[^]*\/v1\/put[^]*# in the one$/);
  await into.selectOption('a new policy, my-agent-more');
  await expect.poll(() => text.inputValue()).toMatch(/name: my-agent-more\n[^]*\/v1\/put[^]*# in the other$/);
}

/** Browsers give a clipboard to secure pages alone: `127.0.0.1` is one, and any other name over plain HTTP is none. */
async function copyWithoutClipboard({ browser, url, adminPassword }: TrafficWorld): Promise<void> {
  const { page, context } = await openSession(browser);
  const plain = url.replace('127.0.0.1', plainHost);
  await signIn(page, plain, adminPassword);
  expect(await page.evaluate("'clipboard' in navigator")).toBe(false);
  await page.goto(`${plain}/settings`);
  const command = page.locator('.command').filter({ has: page.getByRole('region', { name: 'Command for a backup' }) });
  await command.getByRole('button').click();
  await command.getByText('Copied').waitFor();
  await page.goto(`${plain}/agents`);
  const field = page.getByLabel('Name begins with');
  await field.focus();
  await page.keyboard.press('ControlOrMeta+v');
  expect(await field.inputValue()).toBe('npx onecli backup onecli.backup');
  await context.close();
}

async function scriptGone({ browser, url, adminPassword }: TrafficWorld): Promise<void> {
  const { page, context } = await openSession(browser);
  await signIn(page, url, adminPassword);
  await page.route('**/assets/workers-screen-*.js', (route) => route.fulfill({ status: 404 }));
  await page.getByRole('link', { name: 'Workers', exact: true }).click();
  await page.getByRole('button', { name: 'Load the page again' }).waitFor();
  await page.getByRole('link', { name: 'Agents', exact: true }).click();
  await page.getByRole('link', { name: 'New agent' }).waitFor();
  await context.close();
}
