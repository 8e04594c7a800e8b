import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/**
 * What axe-core finds on a page, each with its place: all rules in the light theme, and in the dark one, which has the same elements,
 * those of colours. It is run by the browser itself, beside the page’s policy. The page has to follow the system's theme.
 */
export async function findViolations(page: Page, place: string): Promise<string[]> {
  await page.evaluate(axeSource);
  const found: string[] = [];
  for (const [theme, options] of [
    ['dark', "{ runOnly: ['cat.color'] }"],
    ['light', '{}'],
  ] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme=${theme}]`).waitFor();
    const all = await page.evaluate<Violation[]>(`axe.run(${options}).then(({ violations }) => violations)`);
    found.push(
      ...all.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${place}, ${theme}, ${id}: ${html.slice(0, 200)}`)),
    );
  }
  return found;
}
