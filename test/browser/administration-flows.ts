import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callApi } from '../support/call-api.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { openSession } from './browser-session.ts';
import { type World, agree, everythingIn, press, tabTo } from './world.ts';

const password = 'a-password-of-their-own-3';

/** Users, API keys, keys and authorities, as an admin looks after them. */
export function administrationFlows(world: () => World): void {
  describe('an API key', () => {
    it('is shown once, does what it may, and is revoked', () => apiKey(world()));
  });
  describe('a user', () => {
    it('is invited, sets a password, sees what the roles allow, and is reset, disabled and deleted', () =>
      user(world()));
  });
  describe('the keys', () => {
    it('are rotated by keyboard alone, and the page says when it is done', () => rotateKeys(world()));
  });
  describe('the authority', () => {
    it('gets a next one, which signs, and the one before is retired', () => rotateAuthority(world()));
    it('is brought by somebody: its key is not kept by the page', () => importAuthority(world()));
  });
  describe('a restore', () => {
    it('is confirmed, after the page said what comes of it', () => confirmRestore(world()));
  });
  describe('a page of another origin', () => {
    it('cannot write with the session of this one', () => crossOrigin(world()));
  });
}

async function apiKey({ main: { page }, url, must }: World): Promise<void> {
  await page.goto(`${url}/new/api-key`);
  await page.getByLabel('Name').fill('reader');
  await page.getByLabel('Expires').selectOption('in a week');
  await page.getByLabel('Environments').fill('prod');
  await page.getByRole('combobox', { name: 'Actions' }).fill('secret:read');
  await page.getByRole('option', { name: 'secret:read' }).click();
  await page.keyboard.press('Escape');
  await press(page, 'Make the key');
  const token = (await page.getByLabel('API key', { exact: true }).innerText()).trim();
  const call = (method: string, path: string) =>
    callApi(url, method, path, undefined, { authorization: `Bearer ${token}` }).then(({ status }) => status);
  expect([await call('GET', '/api/secrets'), await call('GET', '/api/users')]).toEqual([200, 403]);
  await page.goto(`${url}/api-keys`);
  await page.getByRole('row', { name: /reader/ }).waitFor();
  expect(await everythingIn(page)).not.toContain(token);
  expect(await agree(page, 'Revoke')).toContain('refused');
  await page.getByText('No API keys yet').waitFor();
  expect(await call('GET', '/api/secrets')).toBe(401);
  expect(await must('GET', '/api/api-keys')).toMatchObject({ items: [] });
}

async function user({ main: { page }, browser, url, must }: World): Promise<void> {
  await page.goto(`${url}/new/user`);
  await page.getByLabel('Name').fill('alice');
  await page.getByLabel('Operator', { exact: true }).check();
  await page.getByLabel('Environments of Operator').fill('staging');
  await press(page, 'Invite');
  const code = (await page.getByLabel('Invitation code').innerText()).trim();
  const theirs = await openSession(browser);
  await beginAs(theirs.page, url, code);
  await theirs.page.getByRole('link', { name: 'Secrets', exact: true }).waitFor();
  expect(await theirs.page.getByRole('link', { name: 'Users' }).count()).toBe(0);
  // An operator makes no policies, and so cannot do all that the set-up does.
  expect(await theirs.page.getByRole('link', { name: 'Set up an agent' }).count()).toBe(0);
  await unknownRights(theirs.page, url);
  await ownPassword(theirs.page, url);
  await page.goto(`${url}/users/alice`);
  await page.getByText('Active', { exact: true }).waitFor();
  await agree(page, 'Disable');
  await page.getByText('Disabled', { exact: true }).waitFor();
  await theirs.page.goto(`${url}/secrets`);
  await theirs.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await theirs.context.close();
  await agree(page, 'Enable');
  await page.getByText('Active', { exact: true }).waitFor();
  await page.getByLabel('Environments of Operator').fill('staging, dev');
  await must('PUT', '/api/users/alice', { roles: [{ role: 'auditor', environments: ['*'] }] });
  await press(page, 'Save the roles');
  await page.getByText('Somebody else changed it meanwhile').waitFor();
  expect(await page.getByLabel('Environments of Operator').inputValue()).toBe('staging, dev');
  await press(page, 'Drop mine, show theirs');
  expect(await page.getByLabel('Auditor', { exact: true }).isChecked()).toBe(true);
  await heldUser(page, url);
  await agree(page, 'Reset password');
  expect((await page.getByLabel('Invitation code').innerText()).trim()).not.toBe(code);
  expect(await agree(page, 'Delete')).toContain('API keys');
  await page.waitForURL('**/users');
}

type Page = World['main']['page'];

/** One who came back by a restore can be disabled, and what is refused until it is confirmed says why. */
async function heldUser(page: Page, url: string): Promise<void> {
  let state = 'ACTIVE';
  await page.route('**/graphql', async (route) => {
    const response = await route.fetch();
    const text = (await response.text()).replaceAll('"isHeld":false', '"isHeld":true');
    await route.fulfill({ response, body: text.replaceAll('"state":"ACTIVE"', `"state":"${state}"`) });
  });
  const isOff = (name: string) => page.getByRole('button', { name, exact: true }).getAttribute('aria-disabled');
  for (const [shown, button, off] of [
    ['ACTIVE', 'Disable', null],
    ['DISABLED', 'Enable', 'true'],
  ] as const) {
    state = shown;
    await page.goto(`${url}/users/alice`);
    await page.getByText('held', { exact: true }).waitFor();
    expect([await isOff(button), await isOff('Reset password')]).toEqual([off, 'true']);
  }
  await page.unroute('**/graphql');
  await page.goto(`${url}/users/alice`);
}

/** While it is not answered what somebody may, the links are shown that everybody has, and no other. */
async function unknownRights(page: Page, url: string): Promise<void> {
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('"operationName":"Me"') === true) await answered;
    await route.continue();
  });
  await page.goto(url);
  const links = page.getByRole('navigation', { name: 'Screens' }).getByRole('link');
  await links.first().waitFor();
  expect(await links.allInnerTexts()).toEqual(['Overview', 'Your account', 'Settings']);
  answer();
  await page.getByRole('link', { name: 'Secrets', exact: true }).waitFor();
  await page.unroute('**/graphql');
}

async function beginAs(page: Page, url: string, code: string): Promise<void> {
  await page.goto(`${url}/welcome`);
  await page.getByLabel('Invitation code').fill(code);
  await page.getByLabel(/^New password(?! again)/).fill(password);
  await page.getByLabel('New password again').fill(password);
  await press(page, 'Set the password');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signInAs(page, password);
}

async function signInAs(page: Page, given: string): Promise<void> {
  await page.getByLabel('User').fill('alice');
  await page.locator('input[name=password]').fill(given);
  await press(page, 'Sign in');
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
}

async function ownPassword(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/account`);
  await page.getByRole('row', { name: /^127\.0\.0\.1 Headless Chrome \d+ on Linux/ }).waitFor();
  const change = async (now: string, next: string) => {
    await page.getByLabel('Password of now').fill(now);
    await page.getByLabel(/^New password(?! again)/).fill(next);
    await page.getByLabel('New password again').fill(next);
    await press(page, 'Change the password');
  };
  await change('not the password', `${password}-new`);
  await page.getByText('The password of now is not right.').waitFor();
  await change(password, 'short');
  await page.getByText('must have at least 12 characters').waitFor();
  await change(password, `${password}-new`);
  await page.getByLabel('User').waitFor();
  await signInAs(page, `${password}-new`);
}

async function rotateKeys({ main: { page }, url, must }: World): Promise<void> {
  await page.goto(`${url}/keys`);
  await page.getByText('no rotation is under way').waitFor();
  await tabTo(page, 'Rotate the keys');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('Nothing is interrupted').waitFor();
  await tabTo(page, 'Rotate the keys');
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /^2 Sealing/ }).waitFor();
  await page.getByText('no rotation is under way').waitFor();
  expect(await must('GET', '/api/keys')).toMatchObject({ rotation: 'IDLE', sealingTerm: 2 });
}

async function rotateAuthority({ main: { page }, url }: World): Promise<void> {
  await page.goto(`${url}/authorities`);
  await press(page, 'Make the next one');
  await page.getByLabel('Overlap in hours').fill('24');
  await press(page, 'Make it');
  const next = page.getByRole('region', { name: 'Authority, next' });
  await next.getByRole('button', { name: 'Activate' }).click();
  const dialog = page.getByRole('dialog').filter({ visible: true });
  await dialog.waitFor();
  await press(page, 'Activate');
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Before the overlap is over').check();
  await expect
    .poll(
      async () => {
        if (await dialog.isVisible()) await dialog.getByRole('button', { name: 'Activate' }).click();
        return page.getByRole('region', { name: 'Authority, previous' }).count();
      },
      { timeout: 20_000, interval: 1000 },
    )
    .toBe(1);
  await dialog.waitFor({ state: 'hidden' });
  await expect.poll(() => page.getByText('The next step waits for').count(), { timeout: 20_000 }).toBe(0);
  expect(await agree(page, 'Retire')).toContain('no way back');
  await page.getByRole('region', { name: 'Authority, previous' }).waitFor({ state: 'hidden' });
}

async function importAuthority({ main: { page }, url }: World): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-import-'));
  try {
    const authority = makeTestAuthority(folder);
    const key = readFileSync(join(folder, 'ca.key'), 'utf8');
    await page.goto(`${url}/new/authority`);
    await page.getByLabel('Certificates').fill(readFileSync(authority.caFile, 'utf8'));
    await page.getByLabel('Private key').fill(key);
    await press(page, 'Make it the next one');
    await page.waitForURL('**/authorities');
    await page.getByRole('region', { name: 'Authority, next' }).waitFor();
    expect(await everythingIn(page)).not.toContain(key.split('\n')[1]);
    await agree(page, 'Retire');
    await page.getByRole('region', { name: 'Authority, next' }).waitFor({ state: 'hidden' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function confirmRestore({ main: { page }, url }: World): Promise<void> {
  await page.goto(`${url}/settings`);
  expect(await agree(page, 'Confirm the restore')).toContain('look at it before you confirm');
}

/** Another port of the same host is the same site: the browser sends the cookie along, and the API has to refuse. */
async function crossOrigin({ main: { context }, url, must }: World): Promise<void> {
  const other = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>other'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
  const query = 'mutation { upsertAgent(input: { name: "forged" }) { change } }';
  await page.evaluate(`Promise.all(['application/json', 'text/plain'].map((type) => fetch(${JSON.stringify(`${url}/graphql`)}, {
    method: 'POST', credentials: 'include', mode: type === 'text/plain' ? 'no-cors' : 'cors',
    headers: { 'content-type': type }, body: ${JSON.stringify(JSON.stringify({ query }))},
  }).catch(() => undefined)))`);
  await page.close();
  other.close();
  const { items } = await must<{ items: { name: string }[] }>('GET', '/api/agents');
  expect(items.map(({ name }) => name)).not.toContain('forged');
}
