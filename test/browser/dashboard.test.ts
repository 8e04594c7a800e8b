import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canariesIn, newCanary } from '../support/canary.ts';
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts';
import { mustRun } from '../support/run-command.ts';
import { type Onecli, startOnecli } from '../support/start-onecli.ts';
import { makeTestAuthority } from '../support/test-authority.ts';
import { accessFlows } from './access-flows.ts';
import { administrationFlows } from './administration-flows.ts';
import { findViolations } from './find-violations.ts';
import { type BrowserSession, launchBrowser, openSession, signIn, takePicture } from './browser-session.ts';
import { keyboardFlows } from './keyboard-flows.ts';
import { type World, everythingIn, tabTo } from './world.ts';

const keys = {
  mouse: newCanary('mouse'),
  keyboard: newCanary('keyboard'),
  form: newCanary('form'),
  version: newCanary('version'),
};
const allKeys = Object.values(keys);
let folder: string;
let upstream: RecordingUpstream;
let onecli: Onecli;
let browser: Browser;
let main: BrowserSession;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-browser-'));
  const authority = makeTestAuthority(join(folder, 'authority'));
  upstream = await startUpstream({ authority });
  const connectTo = `api.openai.com:443=127.0.0.1:${upstream.port}`;
  [onecli, browser] = await Promise.all([
    startOnecli({ upstreamCaFile: authority.caFile, connectTo }),
    launchBrowser(),
  ]);
  main = await openSession(browser);
});
afterAll(async () => {
  await browser?.close();
  await onecli?.stop();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs what the page says is to be typed. */
async function runCommandOf(page: Page): Promise<void> {
  const command = await page.getByLabel('Command for curl').innerText();
  await mustRun('bash', ['-c', command], { cwd: folder });
}

const world = (): World => ({
  browser,
  url: onecli.apiUrl,
  main,
  must: (method, path, body) => onecli.must(method, path, body),
  keys,
});

describe('from an empty folder to the first request', () => {
  it('by mouse: what is typed, one command in a shell, and the page turns green', async () => {
    const { page } = main;
    await signIn(page, onecli.apiUrl, onecli.adminPassword);
    await page.waitForURL('**/setup');
    await page.getByLabel('Its key').fill(keys.mouse);
    await takePicture(page, 'set-up');
    await page.getByRole('button', { name: 'Make all three' }).click();
    await page.getByLabel('Command for curl').waitFor();
    await takePicture(page, 'set-up-command');
    await runCommandOf(page);
    await page.getByText('First request seen').waitFor();
    await takePicture(page, 'first-request-seen');
    await page.getByText('It left with prod/openai@1, and the service answered 200.').waitFor();
    expect(upstream.requests.at(-1)?.header('authorization')).toBe(`Bearer ${keys.mouse}`);
    expect(canariesIn(await everythingIn(page), allKeys)).toEqual([]);
  });

  it('by keyboard alone', async () => {
    const { page, context } = await openSession(browser);
    await page.goto(`${onecli.apiUrl}/setup`);
    await page.getByLabel('User').waitFor();
    const type = async (...presses: string[]) => {
      for (const press of presses) await page.keyboard.press(press);
    };
    await page.keyboard.type('admin');
    await type('Tab');
    await page.keyboard.type(onecli.adminPassword);
    await type('Enter');
    await page.getByRole('heading', { name: 'Set up a first agent' }).waitFor();
    await type('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await type('Enter', 'Tab', 'Tab');
    await page.keyboard.type(keys.keyboard);
    await type('Tab');
    await type('ControlOrMeta+a');
    await page.keyboard.type('prod/second');
    await type('Tab', 'Tab', 'ControlOrMeta+a');
    await page.keyboard.type('second-agent');
    await type('Enter');
    await page.getByLabel('Command for curl').waitFor();
    await runCommandOf(page);
    await page.getByText('First request seen').waitFor();
    expect(upstream.requests.at(-1)?.header('authorization')).toBe(`Bearer ${keys.keyboard}`);
    await context.close();
  });
});

describe('each screen', () => {
  const screens = [
    '/activity',
    '/approvals',
    '/secrets',
    '/secrets/prod%2Fopenai',
    '/agents',
    '/agents/my-agent',
    '/policies',
    '/policies/my-agent',
    '/new/secret',
    '/new/agent',
    '/new/policy',
    '/new/rule?agent=my-agent&host=api.github.com&method=GET&path=/user',
    '/setup',
    '/routes',
    '/new/route',
    '/rotations',
    '/rotations/prod%2Fopenai',
    '/users',
    '/users/admin',
    '/new/user',
    '/api-keys',
    '/new/api-key',
    '/account',
    '/keys',
    '/authorities',
    '/authorities?kind=CLIENT',
    '/new/authority',
    '/settings',
    '/nowhere',
  ];

  /** Those that stand empty until they are answered, each in its own way. */
  const slowScreens = [
    '/approvals',
    '/agents/my-agent',
    '/new/rule?agent=my-agent&host=api.github.com&method=GET&path=/user',
    '/rotations/prod%2Fopenai',
    '/map',
    '/account',
    '/keys',
    '/authorities',
  ];

  const dialogs = [
    ['/secrets/prod%2Fopenai', 'New version'],
    ['/agents/my-agent', 'Delete'],
    ['/agents/my-agent', 'New token'],
    ['/keys', 'Rotate the keys'],
  ] as const;

  it('has nothing that axe-core finds, in the light and in the dark theme, and no value', async () => {
    const { page, context, witness } = await openSession(browser, { reducedMotion: 'reduce' });
    await page.goto(onecli.apiUrl);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    const found: Record<string, string[]> = { login: await findViolations(page, 'login') };
    await signIn(page, onecli.apiUrl, onecli.adminPassword);
    for (const screen of screens) {
      await page.goto(onecli.apiUrl + screen);
      await page.getByRole('main').locator('h1, h2').first().waitFor();
      await page.getByRole('main').getByText('Loading', { exact: true }).first().waitFor({ state: 'detached' });
      found[screen] = await findViolations(page, screen);
      expect(canariesIn(await everythingIn(page), allKeys), screen).toEqual([]);
    }
    await page.goto(`${onecli.apiUrl}/activity`);
    await page
      .getByRole('button', { name: /api\.openai\.com/ })
      .first()
      .click();
    await page.getByRole('dialog').getByText('decides').waitFor();
    found['an event'] = await findViolations(page, 'an event');
    for (const screen of ['/secrets/prod%2Fopenai', '/agents/my-agent']) {
      await page.goto(onecli.apiUrl + screen);
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('button', { name: 'Save' }).waitFor();
      found[`${screen}, edited`] = await findViolations(page, `${screen}, edited`);
    }
    for (const [screen, button] of dialogs) {
      await page.goto(onecli.apiUrl + screen);
      await page.getByRole('button', { name: button, exact: true }).first().click();
      await page.getByRole('dialog').filter({ visible: true }).waitFor();
      found[button] = await findViolations(page, `the dialog ${button}`);
    }
    expect(Object.values(found).flat()).toEqual([]);
    expect(Object.keys(found)).toHaveLength(screens.length + 4 + dialogs.length);
    expect(witness.answers.filter(({ url, body }) => canariesIn(url + body, allKeys).length > 0)).toEqual([]);
    await context.close();
  }, 300_000);

  it('has nothing that axe-core finds while it waits for what it shows', async () => {
    const { page, context } = await openSession(browser, { reducedMotion: 'reduce' });
    await signIn(page, onecli.apiUrl, onecli.adminPassword);
    // Who is signed in is answered; what a screen is about is not.
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('"operationName":"Me"') === true) await route.continue();
    });
    const found: string[] = [];
    for (const screen of slowScreens) {
      await page.goto(onecli.apiUrl + screen);
      // The screen is there, and not what stands for it while its program is fetched.
      await page.getByRole('main').locator('h1').waitFor();
      await page.getByRole('main').getByRole('status').getByText('Loading').waitFor({ state: 'attached' });
      found.push(...(await findViolations(page, screen)));
    }
    expect(found).toEqual([]);
    await context.close();
  });
});

describe('a refused request', () => {
  it('shows live, says why, and "allow this" opens a rule that is filled in', async () => {
    const { page } = main;
    await page.goto(`${onecli.apiUrl}/activity?decision=DENY`);
    await page.getByText('Live', { exact: true }).waitFor();
    const { token } = await onecli.must<{ token: string }>('POST', '/api/agents', { name: 'nosy' });
    const ca = join(folder, 'onecli-ca.pem');
    const proxy = `http://nosy:${token}@127.0.0.1:${onecli.proxyPort}`;
    await mustRun('curl', ['-sS', '--proxy', proxy, '--cacert', ca, 'https://api.openai.com/v1/secretive']);
    await page.getByRole('button', { name: 'GET api.openai.com/v1/secretive' }).click();
    await page.getByText('No policy selects this agent').waitFor();
    await page.getByRole('link', { name: 'Allow this…' }).click();
    expect(await page.getByLabel('Hosts').inputValue()).toBe('api.openai.com');
    expect(await page.getByLabel('Paths').inputValue()).toBe('/v1/secretive');
    await page.getByRole('row', { name: /^nosy GET api\.openai\.com\/v1\/secretive 1 Denied .* Allowed/ }).waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL('**/policies/nosy');
    await mustRun('curl', ['-sSf', '--proxy', proxy, '--cacert', ca, 'https://api.openai.com/v1/secretive']);
    await mustRun('curl', ['-sS', '--proxy', proxy, '--cacert', ca, 'https://api.openai.com/v1/more']);
  });

  it('is allowed by keyboard alone, in the policy that there is, with what comes of it shown before', async () => {
    const { page } = main;
    await page.goto(`${onecli.apiUrl}/activity?decision=DENY`);
    await page.getByRole('button', { name: 'GET api.openai.com/v1/more' }).waitFor();
    await tabTo(page, 'GET api.openai.com/v1/more');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('link', { name: 'Allow this…' }).waitFor();
    await tabTo(page, 'Allow this…');
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: 'Rule 2, new – Allow GET to api.openai.com, only /v1/more' }).waitFor();
    await page
      .getByRole('row', { name: /^nosy GET api\.openai\.com\/v1\/more 1 Denied .* Allowed by nosy, rule 2/ })
      .waitFor();
    await tabTo(page, 'Save');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/policies/nosy');
    expect(await onecli.must('GET', '/api/policies/nosy')).toMatchObject({
      rules: [{ allow: { paths: ['/v1/secretive'] } }, { allow: { paths: ['/v1/more'], methods: ['GET'] } }],
    });
  });
});

describe('a session that ends in the middle of a form', () => {
  it('loses nothing that was typed: the refused write is made again after the login', async () => {
    const { page, context } = main;
    await page.goto(`${onecli.apiUrl}/new/secret`);
    await page.getByLabel('Name').fill('prod/late');
    await page.getByLabel('Value').fill(`${keys.form} `);
    await page.getByRole('button', { name: 'Take it away' }).click();
    await page.getByLabel('Hosts').fill('api.example.com');
    const { items } = await onecli.must<{ items: { id: string }[] }>('GET', '/api/sessions?user=admin');
    for (const { id } of items) await onecli.must('DELETE', `/api/sessions/${id}`);
    await page.getByRole('button', { name: 'Make the secret' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sign in again' });
    await dialog.locator('input[name=password]').fill(onecli.adminPassword);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/secrets/prod%2Flate');
    expect(await onecli.must('GET', '/api/secrets/prod%2Flate')).toMatchObject({
      binding: { hosts: ['api.example.com'] },
    });
    expect(canariesIn(await everythingIn(page), allKeys)).toEqual([]);
    expect((await context.cookies()).every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Strict')).toBe(true);
  });
});

accessFlows(world);
keyboardFlows(world);
administrationFlows(world);

describe('what a page may do', () => {
  it('no answer ever had a value, and the policy of the page was never offended', () => {
    const { answers, complaints } = main.witness;
    expect(answers.length).toBeGreaterThan(30);
    expect(answers.filter(({ url, body }) => canariesIn(url + body, allKeys).length > 0)).toEqual([]);
    // The browser says this of each call without a login: the page asks once when it is opened, and a session ended.
    expect(complaints.filter((text) => !text.includes('status of 401'))).toEqual([]);
  });

  it('script in the page, and style without the nonce, are not run', async () => {
    const { page } = main;
    const ran = await page.evaluate(`(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.wasRun = true';
      const style = document.createElement('style');
      style.textContent = 'main { display: none }';
      document.head.append(script, style);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const { display } = getComputedStyle(document.querySelector('main'));
      return { script: 'wasRun' in window, style: display === 'none' };
    })()`);
    expect(ran).toEqual({ script: false, style: false });
  });

  it('a page of another origin cannot frame it', async () => {
    const other = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<iframe src="${onecli.apiUrl}/secrets"></iframe>`);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { page, witness, context } = await openSession(browser);
    await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    expect(witness.complaints.join('\n')).toMatch(/frame-ancestors|X-Frame-Options/);
    expect(await page.frames()[1]?.locator('#root').count()).toBe(0);
    await context.close();
    other.close();
  });
});
