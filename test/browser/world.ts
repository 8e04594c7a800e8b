import type { Browser, Page } from 'playwright-core';
import type { BrowserSession } from './browser-session.ts';

/** The started product that the tests of this folder share, and a signed-in page. */
export interface World {
  readonly browser: Browser;
  readonly url: string;
  readonly main: BrowserSession;
  /** Calls the API as the admin. */
  readonly must: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** Values that nothing may give out. */
  readonly keys: { readonly version: string };
}

/** Presses a button by its name: the first of the page, or of what is open over it. */
export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).last().click();
}

/** Presses a button that says what comes of it first, and agrees. */
export async function agree(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name, exact: true }).first().click();
  const dialog = page.getByRole('dialog').filter({ visible: true });
  await dialog.waitFor();
  const text = await dialog.innerText();
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  return text;
}

/** All that a person, a script or an extension could still find in the page. */
export function everythingIn(page: Page): Promise<string> {
  return page.evaluate<string>(`[
    document.documentElement.outerHTML,
    ...[...document.querySelectorAll('input, textarea')].map((field) => field.value),
    JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href,
  ].join('\\n')`);
}
