import { join } from 'node:path';
import { type Browser, type BrowserContext, type Locator, type Page, chromium } from 'playwright-core';

/** What a page got and said while it was open. */
export interface Witness {
  /** Bodies of all answers, each with its URL. */
  readonly answers: { readonly url: string; readonly body: string }[];
  /** Messages of the console that are errors, those of a policy's violation among them. */
  readonly complaints: string[];
}

export interface BrowserSession {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly witness: Witness;
}

/** A name of this machine, for the browser alone, that it does not hold for secure. */
export const plainHost = 'onecli.test';

/** Debian's chromium; no sandbox, because tests may run as root. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${plainHost} 127.0.0.1`],
  });
}

/** A browser of its own: no cookie, no storage. */
export async function openSession(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<BrowserSession> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const witness: Witness = { answers: [], complaints: [] };
  page.on('console', (message) => {
    if (message.type() === 'error') witness.complaints.push(message.text());
  });
  page.on('pageerror', (error) => witness.complaints.push(String(error)));
  page.on('response', (response) => {
    response
      .text()
      .then((body) => witness.answers.push({ url: response.url(), body }))
      // A redirect, or an answer whose page is gone, has no body.
      .catch(() => undefined);
  });
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => witness.answers.push({ url: socket.url(), body: String(payload) }));
  });
  return { context, page, witness };
}

export async function signIn(page: Page, url: string, password: string, user = 'admin'): Promise<void> {
  await page.goto(url);
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password', { exact: true }).or(page.locator('input[name=password]')).first().fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: `Account of ${user}` }).waitFor();
}

/** Saves what the page looks like, for the documents, without tokens: `ONECLI_PICTURES=docs/images` says where. */
export async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env['ONECLI_PICTURES'];
  if (folder === undefined) return;
  const hidden: { readonly place: Locator; readonly text: string | null }[] = [];
  for (const place of await page.getByText(/oat_[\w-]{8,}/).all())
    hidden.push({ place, text: await place.textContent() });
  for (const { place, text } of hidden)
    await place.evaluate(
      (element, shown) => (element.textContent = shown),
      text?.replaceAll(/oat_[\w-]+/g, 'oat_…') ?? '',
    );
  await page.screenshot({ path: join(folder, `${name}.png`) });
  const found = await page.getByText(/oat_…/).all();
  for (const [index, { text }] of hidden.entries())
    await found[index]?.evaluate((element, shown) => (element.textContent = shown), text);
}
