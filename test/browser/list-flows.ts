import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openSession, signIn } from './browser-session.ts';
import type { TrafficWorld } from './traffic-flows.ts';

/** Screens that have to be readable on a phone. */
const narrowScreens = [
  '/',
  '/activity',
  '/findings',
  '/approvals',
  '/simulator?agent=my-agent&method=GET&url=https://api.openai.com/v1/models',
  '/map',
  '/workers',
  '/agents',
  '/secrets/prod%2Fopenai',
  '/policies/my-agent',
];

/** Lists of many things, how one comes back to them, and how they look on a phone. */
export function listFlows(world: () => TrafficWorld): void {
  describe('a list', () => {
    it('is where it was left, when one goes back to it', () => scrollPlace(world()));
    it('of many is read on by scrolling, only what is seen is in the page, and all that was read is there again', () =>
      longList(world()));
  });
  describe('a screen of 360 px', () => {
    it('is never wider than that, and has its menu', () => narrow(world()));
  });
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
  // This one is read anew each time: it is there later than the browser looks for the place.
  await page.setViewportSize({ width: 1280, height: 300 });
  await page.goto(`${url}/secrets/prod%2Fopenai`);
  const link = page.getByRole('link', { name: 'How it is rotated' });
  await link.scrollIntoViewIfNeeded();
  const place = await page.evaluate<number>('window.scrollY');
  expect(place).toBeGreaterThan(200);
  await link.click();
  await page.getByRole('heading', { name: 'Rotation of prod/openai' }).waitFor();
  await page.goBack();
  await link.waitFor();
  await expect.poll(() => page.evaluate('window.scrollY')).toBe(place);
  await page.setViewportSize({ width: 1280, height: 800 });
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
  await last.click();
  await page.getByRole('heading', { name: names.at(-1) ?? '' }).waitFor();
  await page.goBack();
  // Nobody scrolls now: what was read is there again, and in view.
  await expect.poll(() => last.count()).toBe(1);
  await last.waitFor();
  await expect.poll(() => page.evaluate('window.scrollY')).toBeGreaterThan(2_000);
  await expect.poll(async () => (await last.boundingBox())?.y).toBeLessThan(800);
  expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(many + 1));
}

async function narrow({ browser, url, adminPassword }: TrafficWorld): Promise<void> {
  const { page, context } = await openSession(browser, { viewport: { width: 360, height: 720 } });
  await signIn(page, url, adminPassword);
  const wide: string[] = [];
  const wideTables = "[...document.querySelectorAll('.panel.table')].some((one) => one.scrollWidth > one.clientWidth)";
  for (const screen of narrowScreens) {
    await page.goto(url + screen);
    await page.getByRole('main').locator('h1').first().waitFor();
    await settle(page);
    if (await page.evaluate<boolean>('document.documentElement.scrollWidth > 360')) wide.push(screen);
    // Who looks for a request is not to scroll to each side for it.
    if (screen === '/activity' && (await page.evaluate<boolean>(wideTables))) wide.push(`the table of ${screen}`);
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
