import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cutAt, readRequest, readResponse } from '../differential/read-message.ts';

interface RequestCase {
  readonly name: string;
  /** Latin1: one character per octet. */
  readonly request: string;
  readonly expect: string;
}

interface ResponseCase {
  readonly name: string;
  readonly requestMethod: string;
  readonly response: string;
  readonly expect: string;
}

const folder = new URL('../corpus/wire/', import.meta.url);

function load<T>(file: string): T[] {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as T[];
}

function verdictOf(verdict: { kind: string; code?: string }): string {
  return verdict.kind === 'message' ? 'accept' : (verdict.code ?? verdict.kind);
}

function everyOctet(bytes: Buffer): Buffer[] {
  return cutAt(
    bytes,
    Array.from(bytes, (_, index) => index),
  );
}

for (const file of readdirSync(folder).filter((name) => name.startsWith('request-'))) {
  describe(`corpus ${file}`, () => {
    it.each(load<RequestCase>(file))('$name: $expect', ({ request, expect: expected }) => {
      const bytes = Buffer.from(request, 'latin1');
      expect(verdictOf(readRequest([bytes]))).toBe(expected);
      const piecewise = verdictOf(readRequest(everyOctet(bytes)));
      // A fault may be seen, and so named, earlier; it may not come or go.
      if (['accept', 'incomplete'].includes(expected)) expect(piecewise).toBe(expected);
      else expect(['accept', 'incomplete']).not.toContain(piecewise);
    });
  });
}

describe('corpus responses.json', () => {
  it.each(load<ResponseCase>('responses.json'))('$name: $expect', ({ requestMethod, response, expect: expected }) => {
    const bytes = Buffer.from(response, 'latin1');
    expect(verdictOf(readResponse([bytes], requestMethod))).toBe(expected);
    const piecewise = verdictOf(readResponse(everyOctet(bytes), requestMethod));
    if (['accept', 'incomplete'].includes(expected)) expect(piecewise).toBe(expected);
    else expect(['accept', 'incomplete']).not.toContain(piecewise);
  });
});
