import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretValue } from '../../shared/src/secret-value.ts';
import { AnswerScrub, type EchoableSecret, wantedOf } from '../../data-plane/src/scrub/answer-scrub.ts';
import { spellingsOf } from '../../data-plane/src/scrub/spellings.ts';

/** `FUZZ_RUNS` is the count over all properties together. */
const properties = 4;
const numRuns = Math.max(1, Math.round(Number(process.env.FUZZ_RUNS ?? 8_000) / properties));

/** No character of the placeholder: what is put in can never be a part of a secret. */
const placeholder = '\u0001\u0002\u0003';
const keyChars = 'ABCDEFabcdef0123456789+/=-_.~ "\\\'<>&%?ü€😀'.split('');
const fewChars = 'ab%25'.split('');
const key = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...keyChars), minLength: 6, maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...fewChars), minLength: 6, maxLength: 14 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 6, maxLength: 20 }) },
);
const secret = key.filter(
  (text) => !/\p{Surrogate}/u.test(text) && !/[\0-\x1f]/.test(text) && Buffer.byteLength(text) >= 6,
);
const cuts = fc.array(fc.nat(4000), { maxLength: 30 });

/** Text that is full of beginnings and ends of spellings, and of whole ones. */
function bodyOf(secrets: readonly string[]): fc.Arbitrary<Buffer> {
  const spellings = secrets.flatMap((text) => [...encodings(text), ...spellingsOf(Buffer.from(text))]);
  const spelling = fc.constantFrom(...spellings);
  const part = fc.oneof(
    fc.string({ unit: fc.constantFrom(...keyChars), maxLength: 20 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    spelling,
    fc.tuple(spelling, fc.nat(), fc.nat()).map(([bytes, from, to]) => {
      return bytes.subarray(from % bytes.length, (from % bytes.length) + (to % bytes.length));
    }),
  );
  return fc.array(part, { maxLength: 12 }).map((parts) => Buffer.concat(parts));
}

/** As ordinary code writes a secret; independent of the code under test. */
function encodings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const within = [0, 1, 2].flatMap((ahead) =>
    (['base64', 'base64url'] as const).map((coding) =>
      Buffer.concat([Buffer.alloc(ahead, 'u'), bytes, Buffer.from('xyz')]).toString(coding),
    ),
  );
  return [
    text,
    ...within,
    encodeURIComponent(text),
    new URLSearchParams({ a: text }).toString().slice(2),
    JSON.stringify(text).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    bytes.toString('hex').replace(/../g, '%$&'),
  ].map((written) => Buffer.from(written));
}

function scrubOf(secrets: readonly string[]): AnswerScrub {
  const used = secrets.map((text): EchoableSecret => ({ value: SecretValue.of(text), placeholder, scrub: 'replace' }));
  const wanted = wantedOf(used);
  const scrub = wanted && new AnswerScrub(wanted, []);
  if (!scrub) throw new Error('nothing to look for');
  return scrub;
}

function inPieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const borders = [...at.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
  return borders.map((border, index) => bytes.subarray(borders[index - 1] ?? 0, border));
}

/** Each piece alone, with the last one marked so or an empty one behind it. */
function run(scrub: AnswerScrub, pieces: readonly Buffer[], isLastEmpty = false): Buffer {
  const payload = scrub.payload('body');
  const out: Buffer[] = [];
  pieces.forEach((piece, index) => {
    const taken = payload.push([piece], !isLastEmpty && index === pieces.length - 1);
    if (taken === 'refused') throw new Error('refused');
    out.push(...taken.map((bytes) => Buffer.from(bytes)));
  });
  const rest = isLastEmpty ? payload.push([], true) : [];
  if (rest === 'refused') throw new Error('refused');
  return Buffer.concat([...out, ...rest]);
}

const holds = (bytes: Buffer, needle: Buffer): boolean => bytes.indexOf(needle) !== -1;

describe('an answer’s payload, however it is cut', () => {
  it('holds no spelling of a secret', () => {
    const cases = secret.chain((text) => fc.tuple(fc.constant(text), bodyOf([text]), cuts));
    fc.assert(
      fc.property(cases, ([text, body, at]) => {
        const out = run(scrubOf([text]), inPieces(body, at));
        for (const spelling of spellingsOf(Buffer.from(text))) expect(holds(out, spelling)).toBe(false);
      }),
      { numRuns },
    );
  });

  it('is the same for every cut', () => {
    const both = fc.uniqueArray(secret, { minLength: 1, maxLength: 3 });
    const cases = both.chain((texts) => fc.tuple(fc.constant(texts), bodyOf(texts), cuts, fc.boolean()));
    fc.assert(
      fc.property(cases, ([texts, body, at, isLastEmpty]) => {
        const scrub = scrubOf(texts);
        const whole = run(scrub, [body]);
        expect(run(scrub, inPieces(body, at), isLastEmpty).equals(whole)).toBe(true);
        expect(run(scrub, inPieces(body, [...body.keys()])).equals(whole)).toBe(true);
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    );
  });

  it('comes out byte for byte when it holds none', () => {
    const cases = secret.chain((text) => fc.tuple(fc.constant(text), bodyOf([text]), cuts));
    fc.assert(
      fc.property(cases, ([text, body, at]) => {
        fc.pre(!spellingsOf(Buffer.from(text)).some((spelling) => holds(body, spelling)));
        expect(run(scrubOf([text]), inPieces(body, at)).equals(body)).toBe(true);
      }),
      { numRuns },
    );
  });

  it('holds nothing back that no spelling begins with', () => {
    const cases = secret.chain((text) => fc.tuple(fc.constant(text), bodyOf([text]), cuts));
    fc.assert(
      fc.property(cases, ([text, body, at]) => {
        const spellings = spellingsOf(Buffer.from(text));
        const payload = scrubOf([text]).payload('body');
        const pieces = inPieces(body, at);
        let givenBytes = 0;
        let fedBytes = 0;
        fc.pre(!spellings.some((spelling) => holds(body, spelling)));
        for (const piece of pieces) {
          const out = payload.push([piece], false);
          if (out === 'refused') throw new Error('refused');
          givenBytes += Buffer.concat(out).length;
          fedBytes += piece.length;
          const held = body.subarray(givenBytes, fedBytes);
          expect(spellings.some((spelling) => spelling.subarray(0, held.length).equals(held))).toBe(true);
        }
      }),
      { numRuns },
    );
  });
});
