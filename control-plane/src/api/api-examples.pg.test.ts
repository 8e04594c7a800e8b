import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faultCodes, faultOf } from '@onecli/shared/fault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { AuditStore } from '../audit/audit-store.ts';
import { sampleEvent } from '../audit/testing/sample-event.ts';
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

/** Starts a program of the page, which calls this API in place of that of the page. */
function startProgram(text: string, key: string) {
  const child = spawn(process.execPath, ['--input-type=module'], {
    // From here it finds its packages.
    cwd: import.meta.dirname,
    env: { ONECLI_API_KEY: key },
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => void printed.push(piece.toString()));
  child.stdin.end(text.replace('localhost:10255', new URL(api.url).host));
  const closed = once(child, 'close');
  return {
    printed: () => printed.join(''),
    end: async () => {
      child.kill();
      await closed;
    },
  };
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

  it('has a subscription in JavaScript that prints the events as they come', async () => {
    const [example, ...others] = blocks.filter(({ language }) => language === 'js');
    expect(others).toEqual([]);
    const { token } = (await api.call('POST', '/api/api-keys', { name: 'reader' })).json as { token: string };
    const program = startProgram(example?.text ?? '', token);
    const store = new AuditStore(api.database, api.keys.keyring);
    let count = 0;
    const denyOne = async () => {
      await store.insert([
        sampleEvent(`followed-${count++}`, Date.now(), { decision: 'deny', reason: 'POLICY_DENIED' }),
      ]);
      return program.printed();
    };
    try {
      const event = /cursor: '.+'[^]+agent: 'my-agent'[^]+host: 'api.openai.com'[^]+reason: 'POLICY_DENIED'/;
      await expect.poll(denyOne, { timeout: 20_000, interval: 200 }).toMatch(event);
    } finally {
      await program.end();
    }
  });

  it('has a table of every code that the API answers with, each with its status', () => {
    const folder = fileURLToPath(new URL('..', import.meta.url));
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .map((path) => readFileSync(join(folder, path), 'utf8'));
    const thrown = /(?:new Fault\(|super\(|\bcode:)\s*'([A-Z_]+)'/g;
    const told = new Set(sources.flatMap((source) => [...source.matchAll(thrown)].map(([, code]) => code)));
    const codes = faultCodes.filter((code) => told.has(code));
    expect(codes.length).toBeGreaterThan(15);
    const rows = [...page.matchAll(/^\| (\d{3}) \| `([A-Z_]+)` \| .+ \|$/gm)];
    expect(rows.map(([, status, code]) => `${code} ${status}`).sort()).toEqual(
      codes.map((code) => `${code} ${faultOf(code).status}`).sort(),
    );
  });
});
