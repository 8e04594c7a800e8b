import { SecretValue } from '@onecli/shared/secret-value';
import { describe, expect, it } from 'vitest';
import { SecretSearch } from './secret-search.ts';
import { type Sought, StreamScrubber } from './stream-scrubber.ts';

const secret = 'sk-canary-7Qm2';
const placeholder = 'onecli://prod/a';

const sought = (value: string, standsFor = placeholder): Sought => ({
  search: SecretSearch.of(SecretValue.of(value)),
  placeholder: Buffer.from(standsFor),
});
const scrubberOf = (value: string): StreamScrubber<Sought> => new StreamScrubber([sought(value)], () => undefined);

/** What goes on of a text that is cut into these pieces. */
function scrubAll(wanted: readonly Sought[], pieces: readonly string[]): string {
  const scrubber = new StreamScrubber(wanted, () => undefined);
  const out = pieces.flatMap((piece, index) => scrubber.push([Buffer.from(piece)], index === pieces.length - 1));
  return Buffer.concat(out).toString();
}

/** The same, whole, cut at each place in turn, and byte by byte: it must not matter. */
function scrubHoweverCut(wanted: readonly Sought[], text: string): string {
  const whole = scrubAll(wanted, [text]);
  for (let cut = 0; cut <= text.length; cut++)
    expect(scrubAll(wanted, [text.slice(0, cut), text.slice(cut)]), `cut at ${cut}`).toBe(whole);
  expect(scrubAll(wanted, text.split(''))).toBe(whole);
  return whole;
}

const scrub = (pieces: readonly string[], value = secret): string => scrubAll([sought(value)], pieces);

describe('StreamScrubber', () => {
  it('passes on what holds nothing as the very buffers that came', () => {
    const chunks = [Buffer.from('{"ok":true,"id":"sk-other"}')];
    expect(scrubberOf(secret).push(chunks, false)).toBe(chunks);
    const open = scrubberOf(secret);
    const [passed] = open.push([Buffer.from('text sk-can')], false);
    expect(passed?.toString()).toBe('text ');
    expect(Buffer.concat(open.push([Buffer.from('yon')], false)).toString()).toBe('sk-canyon');
  });

  it('does not copy a long chunk for the end of the one before it', () => {
    const scrubber = scrubberOf(secret);
    scrubber.push([Buffer.from('..sk-c')], false);
    const long = Buffer.alloc(64 * 1024, '.');
    const out = scrubber.push([long], false);
    expect(Buffer.concat(out).toString()).toBe(`sk-c${long.toString()}`);
    expect(out.at(-1)?.buffer).toBe(long.buffer);
  });

  it('finds the secret wherever it stands in a long chunk behind an open end', () => {
    const overlapping = `${secret.slice(0, 9)}${secret}`;
    for (let ahead = 0; ahead < 400; ahead++) {
      const filler = '.'.repeat(ahead);
      const pieces = ['..sk-c', `${filler}${overlapping}${'.'.repeat(1000)}`];
      expect(scrub(pieces)).toBe(`..sk-c${filler}${secret.slice(0, 9)}${placeholder}${'.'.repeat(1000)}`);
    }
  });

  it('finds the secret across every border', () => {
    const text = `ahead ${secret} between ${Buffer.from(`user:${secret}`).toString('base64')} behind`;
    const whole = scrub([text]);
    expect(whole).toMatch(/^ahead onecli:\/\/prod\/a between \S+onecli:\/\/prod\/a\S* behind$/);
    for (let cut = 0; cut <= text.length; cut++) expect(scrub([text.slice(0, cut), text.slice(cut)])).toBe(whole);
    expect(scrub(text.split(''))).toBe(whole);
  });

  it('holds back the beginning of a secret and nothing else', () => {
    let hits = 0;
    const scrubber = new StreamScrubber([sought(secret)], () => hits++);
    const sent = (text: string): string => Buffer.concat(scrubber.push([Buffer.from(text)], false)).toString();
    expect(sent('data: one\n\n')).toBe('data: one\n\n');
    expect(sent('data: sk-canar')).toBe('data: ');
    expect(sent('y\n\n')).toBe('sk-canary\n\n');
    expect(sent('sk-canary-7Qm')).toBe('');
    expect(sent('2 it was.')).toBe('onecli://prod/a it was.');
    expect(hits).toBe(1);
  });

  it('gives the rest when the stream ends, with bytes or without', () => {
    for (const last of [[], [Buffer.alloc(0)]]) {
      const scrubber = scrubberOf(secret);
      scrubber.push([Buffer.from('sk-cana')], false);
      expect(Buffer.concat(scrubber.push(last, true)).toString()).toBe('sk-cana');
    }
  });

  it('lets no byte through of spellings that overlap', () => {
    const repeating = 'abcabcabc';
    expect(scrub(['<abcabcabcabc>'], repeating)).toBe(`<${placeholder}>`);
    expect(scrub('<abcabcabcabcabcabcabc>'.split(''), repeating)).toBe(`<${placeholder}>`);
    expect(scrub(['<abcabcabc-abcabcabc>'], repeating)).toBe(`<${placeholder}-${placeholder}>`);
  });
});

describe('StreamScrubber and secrets that overlap', () => {
  const [one, two] = [sought('abcdefgh', '<one>'), sought('efghijkl', '<two>')];

  it.each([[[one, two]], [[two, one]]])(
    'no byte of either goes on, in whatever order they are looked for',
    (wanted) => {
      expect(scrubHoweverCut(wanted, '[abcdefghijkl]')).toBe('[<one>]');
      expect(scrubHoweverCut(wanted, '[efghijkl abcdefgh]')).toBe('[<two> <one>]');
    },
  );

  it('the longer one stands for the one that it begins with, and its beginning alone is the shorter one', () => {
    const longer = sought('abcdefghij', '<longer>');
    for (const wanted of [
      [one, longer],
      [longer, one],
    ])
      expect(scrubHoweverCut(wanted, '[abcdefghij] [abcdefghi] [abcdefgh')).toBe('[<longer>] [<one>i] [<one>');
  });

  it('each that was found is told of, also where another stands for it', () => {
    const told = new Set<string>();
    const scrubber = new StreamScrubber([one, two], (found) => told.add(String(found.placeholder)));
    scrubber.push([Buffer.from('abcdefghijkl')], true);
    expect([...told]).toEqual(['<one>', '<two>']);
  });

  it('a placeholder that was put in is searched for nothing', () => {
    expect(scrubHoweverCut([sought('abcdefgh', '<zyxwvu>'), sought('zyxwvu', '<two>')], 'abcdefgh')).toBe('<zyxwvu>');
  });

  it('one that is looked for from the middle on is found in what waits, and what was covered stays covered', () => {
    const repeating = sought('abcabcabc');
    const scrubber = new StreamScrubber([repeating], () => undefined);
    const sent = (text: string): string => Buffer.concat(scrubber.push([Buffer.from(text)], false)).toString();
    expect(sent('<abcabcabc')).toBe(`<${placeholder}`);
    scrubber.seek([repeating, sought('other-secret', '<other>')]);
    expect(sent('abc other-')).toBe(' ');
    expect(sent('secret>')).toBe('<other>>');
  });
});

describe('StreamScrubber and base64 that is broken into lines', () => {
  const long = 'sk-canary-0123456789-abcdefghijklmnopqrstuvwxyz-7Qm2-and-so-on';
  const wanted = [sought(long)];

  it.each([
    ['\n', 76],
    ['\r\n', 76],
    ['\n', 64],
    ['\\n', 76],
    ['\\r\\n', 60],
  ])(
    'it is found with breaks of %j every %i characters, wherever it stands and however it is cut',
    (lineBreak, width) => {
      for (const ahead of [0, 1, 2, 20, 44, 57, 70, 113]) {
        const encoded = Buffer.from(`${'x'.repeat(ahead)}${long}${'y'.repeat(100)}`).toString('base64');
        const text = encoded.match(new RegExp(`.{1,${width}}`, 'g'))?.join(lineBreak) ?? '';
        const scrubbed = ahead === 44 ? scrubHoweverCut(wanted, `[${text}]`) : scrubAll(wanted, [`[${text}]`]);
        expect(scrubbed).toContain(placeholder);
        const plain = scrubbed.replaceAll(lineBreak, '');
        const [before = '', behind = ''] = plain.split(placeholder);
        expect(Buffer.from(before.slice(1), 'base64').toString()).not.toContain('sk-');
        expect(behind.length).toBeLessThan(1.4 * 101);
      }
    },
  );

  it('lines that are no base64 are not joined', () => {
    const text = `${long.slice(0, 31)}\n${long.slice(31)}`;
    expect(scrubHoweverCut(wanted, text)).toBe(text);
    expect(scrubHoweverCut(wanted, `${long.slice(0, 32)}\n${long.slice(32)}`)).toBe(placeholder);
    const records = '{"a":"first-"}\n{"b":"second"}\nfirst-\nsecond';
    expect(scrubHoweverCut([sought('first-second')], records)).toBe(records);
  });

  it('a line that ends goes on at once, unless it is a long one of base64 with whose end a secret may begin', () => {
    const scrubber = scrubberOf(secret);
    const sent = (text: string): string => Buffer.concat(scrubber.push([Buffer.from(text)], false)).toString();
    expect(sent('listening on ports\n')).toBe('listening on ports\n');
    expect(sent('data: tokens\n\n')).toBe('data: tokens\n\n');
    expect(sent(`${'A'.repeat(40)}\n`)).toBe(`${'A'.repeat(40)}\n`);
    expect(sent(`${'A'.repeat(40)}s\n`)).toBe('A'.repeat(40));
    expect(sent('A')).toBe('s\nA');
  });
});
