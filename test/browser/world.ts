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

/** Goes on by Tab until something of that name has the focus, as somebody without a mouse would. @throws when nothing has it */
export async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 120; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(nameOfFocused);
    if (focused === name) return;
    seen.push(focused);
  }
  throw new Error(`Tab never came to ${name}, but to ${seen.slice(0, 60).join(' | ')}`);
}

/** What a screen reader would say of the focused element, as far as it is given by a label or by text. */
const nameOfFocused = `(() => {
  const { activeElement: element } = document;
  const label = element.labels?.[0]?.textContent.replace(/ \\*$/, '');
  return (element.getAttribute('aria-label') ?? label ?? element.textContent).trim().replace(/\\s+/g, ' ');
})()`;

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
