import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeInBody } from '../../data-plane/src/credentials/place-in-body.ts';
import { opener, placeRequest, scopeOf, secretOn } from '../../data-plane/src/credentials/testing/place-request.ts';
import { parseTarget } from '@onecli/shared/wire/parse-target';
import type { Surface } from '../../shared/src/domain/binding.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 6;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 20_000) / properties));

const alias = `sk-onecli7x${'Ab1'.repeat(9)}Z`;
/** As a value may be stored: no control characters, well-formed. */
const value = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
    fc.string({
      minLength: 1,
      maxLength: 12,
      unit: fc.constantFrom(...Array.from('./%2eE"\\;:,=&?#+ <é€\u2028onecli7x@')),
    }),
  )
  .filter((text) => !/[\0-\x08\x0a-\x1f\x7f]|\p{Surrogate}/u.test(text));
const written = fc.constantFrom('onecli://prod/fuzzed', 'onecli://prod/fuzzed@1', alias, `${alias}@1`);
const marker = '\u0001';

function scopeWith(text: string, surface: Surface) {
  return scopeOf([secretOn([surface], { name: 'prod/fuzzed', values: [text], alias })]);
}

/** A text in which percent-encoding of some characters says the same. */
const percentAny = (text: string, which: readonly boolean[]): string =>
  Array.from(text, (c, at) => (which[at % which.length] ? `%${c.charCodeAt(0).toString(16)}` : c)).join('');
const some = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });

/** A JSON text with a marker somewhere in one of its strings, and nowhere else. */
const json = fc
  .tuple(fc.jsonValue({ maxDepth: 3 }), fc.string(), fc.string())
  .map(([other, ahead, behind]) => ({ other, list: [{ key: `${ahead}${marker}${behind}` }], last: other }));
const plainPair = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 }));

describe('a value that is placed', () => {
  it('changes in JSON nothing but the string in which it stands', () => {
    fc.assert(
      fc.property(json, value, written, fc.boolean(), (document, secret, placeholder, isEscaped) => {
        const text = JSON.stringify(document, undefined, isEscaped ? 1 : 0);
        if (text.includes('onecli') || text.split('\\u0001').length !== 2) return;
        const inText = isEscaped
          ? Array.from(placeholder, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
          : placeholder;
        // Apart from what is around it: a name is taken as long as it goes.
        const body = text.replace('\\u0001', () => ` ${inText} `);
        const placed = placeInBody(Buffer.from(body), 'json', scopeWith(secret, 'json'), opener);
        if (placed.kind !== 'placed') throw new Error(placed.kind);
        expect(placed.used).toHaveLength(1);
        expect(JSON.parse(placed.body.toString())).toEqual(
          JSON.parse(text, (_key, each: unknown) =>
            typeof each === 'string' ? each.replace(marker, () => ` ${secret} `) : each,
          ),
        );
      }),
      { numRuns },
    );
  });

  it('changes in a form nothing but its value', () => {
    fc.assert(
      fc.property(fc.array(plainPair, { maxLength: 4 }), value, written, some, (pairs, secret, placeholder, which) => {
        const around = new URLSearchParams(pairs).toString();
        if (around.includes('onecli')) return;
        const body = `${around}&key=x+${percentAny(placeholder, which)}%20y&${around}`;
        const placed = placeInBody(Buffer.from(body), 'form', scopeWith(secret, 'form'), opener);
        if (placed.kind !== 'placed') throw new Error(placed.kind);
        expect([...new URLSearchParams(placed.body.toString())]).toEqual([
          ...pairs,
          ['key', `x ${secret} y`],
          ...pairs,
        ]);
      }),
      { numRuns },
    );
  });

  it('changes in a query nothing but its value', () => {
    fc.assert(
      fc.property(fc.array(plainPair, { maxLength: 4 }), value, written, some, (pairs, secret, placeholder, which) => {
        const around = new URLSearchParams(pairs).toString();
        if (around.includes('onecli') || /%2525|%25[0-9a-f]/i.test(around)) return;
        const target = `/v1?${around}&key=${percentAny(placeholder, which)}&z=${around.length}`;
        const placed = placeRequest(scopeWith(secret, 'query'), target);
        if (placed.kind !== 'placed') throw new Error(placed.kind);
        expect(parseTarget(placed.target)).toMatchObject({ kind: 'origin', path: '/v1' });
        expect([...new URL(placed.target, 'https://a.example').searchParams]).toEqual([
          ...pairs,
          ['key', secret],
          ['z', String(around.length)],
        ]);
      }),
      { numRuns },
    );
  });

  it('stays in its segment of a path, or refuses', () => {
    fc.assert(
      fc.property(value, written, some, fc.boolean(), (secret, placeholder, which, isWhole) => {
        const encoded = percentAny(placeholder, which).replace('://', '%3A%2F%2F').replaceAll('/', '%2F');
        const target = `/a/${isWhole ? '' : 'bot'}${encoded}/send?x=1`;
        const placed = placeRequest(scopeWith(secret, 'path'), target);
        if (placed.kind === 'unavailable') return;
        if (placed.kind !== 'placed') throw new Error(placed.kind);
        const url = new URL(placed.target, 'https://a.example');
        const segments = url.pathname.split('/');
        expect(segments).toHaveLength(4);
        expect([segments[1], segments[3], url.search, url.hash]).toEqual(['a', 'send', '?x=1', '']);
        expect(decodeURIComponent(segments[2] ?? '')).toBe(`${isWhole ? '' : 'bot'}${secret}`);
        expect(placed.readings).toEqual((parseTarget(placed.target) as { readings: unknown }).readings);
      }),
      { numRuns },
    );
  });

  it('is one cookie’s value, or refuses', () => {
    fc.assert(
      fc.property(value, written, (secret, placeholder) => {
        const placed = placeRequest(scopeWith(secret, 'cookie'), '/', { Cookie: `a=1; sid=${placeholder}; b=2` });
        if (placed.kind === 'unavailable') return;
        if (placed.kind !== 'placed') throw new Error(placed.kind);
        const sent = Buffer.from(placed.headers[0]?.value ?? '', 'latin1').toString();
        expect(sent.split('; ')).toEqual(['a=1', `sid=${secret}`, 'b=2']);
        expect(sent.split(/[;,]/)).toHaveLength(3);
      }),
      { numRuns },
    );
  });

  it('never leaves where its surface is not bound', () => {
    const anywhere = fc.oneof(
      fc.record({ name: fc.constantFrom('X-Key', 'Authorization', 'Cookie'), text: written }),
      fc.record({ target: some.chain((which) => written.map((text) => `/v1?key=${percentAny(text, which)}`)) }),
      fc.record({ target: some.chain((which) => written.map((text) => `/v1/${percentAny(text, which)}`)) }),
    );
    fc.assert(
      fc.property(anywhere, (request) => {
        const scope = scopeWith('canary', 'basic');
        const placed =
          'name' in request
            ? placeRequest(scope, '/', { [request.name]: `a=${request.text}` })
            : placeRequest(scope, request.target);
        expect(placed.kind).toBe('refused');
      }),
      { numRuns },
    );
  });
});
