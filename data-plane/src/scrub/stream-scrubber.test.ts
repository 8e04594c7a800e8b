import { SecretValue } from '@onecli/shared/secret-value';
import { describe, expect, it } from 'vitest';
import { SecretSearch } from './secret-search.ts';
import { StreamScrubber } from './stream-scrubber.ts';

const secret = 'sk-canary-7Qm2';
const placeholder = 'onecli://prod/a';

function scrubberOf(value: string): StreamScrubber {
  return new StreamScrubber(SecretSearch.of(SecretValue.of(value)), Buffer.from(placeholder));
}

function scrub(pieces: readonly string[], value = secret): string {
  const scrubber = scrubberOf(value);
  const out = pieces.flatMap((piece, index) => scrubber.push([Buffer.from(piece)], index === pieces.length - 1));
  return Buffer.concat(out).toString();
}

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
    const scrubber = scrubberOf(secret);
    const sent = (text: string): string => Buffer.concat(scrubber.push([Buffer.from(text)], false)).toString();
    expect(sent('data: one\n\n')).toBe('data: one\n\n');
    expect(sent('data: sk-canar')).toBe('data: ');
    expect(sent('y\n\n')).toBe('sk-canary\n\n');
    expect(sent('sk-canary-7Qm')).toBe('');
    expect(sent('2 it was.')).toBe('onecli://prod/a it was.');
    expect(scrubber.hits).toBe(1);
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
