import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const settled =
  'Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 5000).map((one) => one.finished))';

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/**
 * What axe-core finds on a page, each with its place: all rules in the light theme, and in the dark one, which has the same elements,
 * those that look at its colours. It is run by the browser itself, beside the page’s policy. The page has to follow the system's theme.
 */
export async function findViolations(page: Page, place: string): Promise<string[]> {
  await page.evaluate(axeSource);
  const found: string[] = [];
  for (const [theme, options] of [
    ['dark', "{ runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }"],
    ['light', '{}'],
  ] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme=${theme}]`).waitFor();
    // A colour that still changes is none of either theme.
    await page.evaluate(settled);
    const all = await page.evaluate<Violation[]>(`axe.run(${options}).then(({ violations }) => violations)`);
    found.push(
      ...all.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${place}, ${theme}, ${id}: ${html.slice(0, 200)}`)),
    );
  }
  return found;
}
