import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { type Served, serve } from './testing/serve.ts';

interface Block {
  readonly language: string;
  readonly text: string;
}

const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const blocks: readonly Block[] = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', text = '']) => ({ language, text: text.trim() }),
);

interface CurlExample {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

/** Reads a line of the one form in which the page writes its calls. */
function parseCurl(line: string): CurlExample {
  const parts =
    /^curl -u "\$ADMIN"(?: -X (\w+))? "\$API(\/[^"]*)"(?: -H 'Content-Type: application\/json' -d '([^']*)')?$/.exec(
      line,
    );
  const [, method = 'GET', path, body] = parts ?? [];
  if (path === undefined) throw new Error(`The page has a call that is not understood: ${line}`);
  return { method, path, body };
}

/** Fields and kinds of a value; what is null or empty in either one is left open. */
function isOfShape(actual: unknown, documented: unknown): boolean {
  if (actual === null || documented === null) return true;
  if (Array.isArray(actual) && Array.isArray(documented))
    return actual.length === 0 || documented.length === 0 || isOfShape(actual[0], documented[0]);
  if (typeof actual !== 'object' || typeof documented !== 'object') return typeof actual === typeof documented;
  const [left, right] = [actual, documented] as Record<string, unknown>[];
  if (left === undefined || right === undefined) return false;
  const isSameKeys = Object.keys(left).sort().join() === Object.keys(right).sort().join();
  return isSameKeys && Object.keys(left).every((key) => isOfShape(left[key], right[key]));
}

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
});
afterAll(() => api.stop());

describe('docs/api.md', () => {
  it('has REST calls that the API takes, in their order, and answers of the shape that it gives', async () => {
    for (const [index, block] of blocks.entries()) {
      if (block.language !== 'bash') continue;
      const answers: unknown[] = [];
      for (const line of block.text.split('\n')) {
        const { method, path, body } = parseCurl(line);
        const answer = await api.call(method, path, body);
        expect(answer.status, `${line}\n${answer.text}`).toBeLessThan(300);
        if (answer.text !== '') answers.push(answer.json);
      }
      const next = blocks[index + 1];
      if (next?.language !== 'json') continue;
      const documented: unknown = JSON.parse(next.text);
      expect(
        isOfShape(answers.at(-1), documented),
        `${JSON.stringify(answers.at(-1))}\nis not like\n${next.text}`,
      ).toBe(true);
    }
  });

  it('has GraphQL documents that the API runs without an error, in their order', async () => {
    const documents = blocks.filter(({ language }) => language === 'graphql');
    expect(documents.length).toBeGreaterThan(5);
    for (const { text } of documents) {
      const answer = await api.graphql(text);
      expect(answer.errors, text).toBeUndefined();
      for (const payload of Object.values(answer.data ?? {})) {
        const refused = (payload as { errors?: unknown } | null)?.errors ?? [];
        expect(refused, text).toEqual([]);
      }
    }
  });

  it('names every code that the API answers writes with', () => {
    for (const code of [
      'INVALID',
      'NOT_FOUND',
      'NAME_TAKEN',
      'CONFLICT',
      'TOO_LARGE',
      'UNSUPPORTED_MEDIA',
      'UNAUTHENTICATED',
      'FORBIDDEN',
      'TOO_MANY_LOGINS',
      'NOT_READY',
      'INTERNAL',
      'BAD_REQUEST',
    ])
      expect(page).toContain(`\`${code}\``);
  });
});
