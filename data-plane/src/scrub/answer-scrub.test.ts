import type { Finding } from '@onecli/shared/domain/audit-event';
import type { ScrubMode } from '@onecli/shared/domain/binding';
import { SecretValue } from '@onecli/shared/secret-value';
import { describe, expect, it } from 'vitest';
import type { Header } from '../wire/head.ts';
import { AnswerScrub, type EchoableSecret, wantedOf } from './answer-scrub.ts';

const secret = 'sk-canary-7Qm2';
const used = (value: string, name = 'a', scrub: ScrubMode = 'replace'): EchoableSecret => ({
  value: SecretValue.of(value),
  placeholder: `onecli://prod/${name}`,
  scrub,
});

function scrubOf(...secrets: readonly EchoableSecret[]): { readonly scrub: AnswerScrub; readonly findings: Finding[] } {
  const findings: Finding[] = [];
  const wanted = wantedOf(secrets);
  if (!wanted) throw new Error('nothing to look for');
  return { scrub: new AnswerScrub(wanted, findings), findings };
}

const field = (rawName: string, value: string): Header => ({ name: rawName.toLowerCase(), rawName, value });
const found = (place: string): Finding => ({ kind: 'SECRET_IN_RESPONSE', place });
const inBody = (scrub: AnswerScrub, text: string): string => {
  const out = scrub.payload('body').push([Buffer.from(text)], true);
  return out === 'refused' ? out : Buffer.concat(out).toString();
};

describe('AnswerScrub in heads', () => {
  it('gives a head without secrets as the very object that it was', () => {
    const { scrub, findings } = scrubOf(used(secret));
    const head = { reason: 'OK', headers: [field('Date', 'Mon, 01 Jan 2024 00:00:00 GMT'), field('X', 'sk-canary')] };
    expect(scrub.head(head)).toBe(head);
    expect(findings).toEqual([]);
  });

  it('finds out from the bytes of a head that nothing is in it, and what stands in them is replaced all the same', () => {
    const { scrub, findings } = scrubOf(used(secret));
    const bytes = (value: string): Buffer => Buffer.from(`HTTP/1.1 200 OK\r\nX: ${value}\r\n\r\n`);
    const clean = { reason: 'OK', headers: [field('X', 'sk-canary')] };
    expect(scrub.head(clean, bytes('sk-canary'))).toBe(clean);
    const echoed = { reason: 'OK', headers: [field('X', `a ${secret}`)] };
    expect(scrub.head(echoed, bytes(`a ${secret}`))).toEqual({
      reason: 'OK',
      headers: [field('X', 'a onecli://prod/a')],
    });
    expect(findings).toEqual([found('x')]);
  });

  it('finds base64 that is broken within a JSON string, as in a payload', () => {
    const long = `${secret}-${'0123456789'.repeat(6)}`;
    const base64 = Buffer.from(long).toString('base64');
    const value = String.raw`{"key":"${base64.slice(0, 76)}\n${base64.slice(76)}"}`;
    const { scrub, findings } = scrubOf(used(long));
    const echoed = { reason: 'OK', headers: [field('X', value)] };
    const replaced = { reason: 'OK', headers: [field('X', '{"key":"onecli://prod/a"}')] };
    expect(scrub.head(echoed)).toEqual(replaced);
    expect(scrub.head(echoed, Buffer.from(`HTTP/1.1 200 OK\r\nX: ${value}\r\n\r\n`))).toEqual(replaced);
    expect(findings).toEqual([found('x')]);
  });

  it('replaces the secret in every value, and tells in which fields it stood', () => {
    const { scrub, findings } = scrubOf(used(secret));
    const url = `https://x.example/?k=${encodeURIComponent(secret)}&again=${secret}`;
    const head = { reason: 'OK', headers: [field('Location', url), field('Vary', '*'), field('Set-Cookie', secret)] };
    expect(scrub.head(head)).toEqual({
      reason: 'OK',
      headers: [
        field('Location', 'https://x.example/?k=onecli://prod/a&again=onecli://prod/a'),
        field('Vary', '*'),
        field('Set-Cookie', 'onecli://prod/a'),
      ],
    });
    expect(findings).toEqual([found('location'), found('set-cookie')]);
  });

  it('replaces it in the reason, and drops a field that has it in its name', () => {
    const { scrub, findings } = scrubOf(used(secret));
    const head = { reason: `Bad key ${secret}`, headers: [field(`X-${secret}`, '1'), field('Server', 'x')] };
    expect(scrub.head(head)).toEqual({ reason: 'Bad key onecli://prod/a', headers: [field('Server', 'x')] });
    expect(findings).toEqual([found('header'), found('reason')]);
  });

  it('takes no value of a peer for its own answer', () => {
    const { scrub } = scrubOf(used(secret));
    const head = { reason: 'refused', headers: [field('refused', 'refused'), field('A', secret)] };
    expect(scrub.head(head)).toEqual({
      reason: 'refused',
      headers: [field('refused', 'refused'), field('A', 'onecli://prod/a')],
    });
  });

  it('tells of few places, each once, and of no name that is none to keep', () => {
    const { scrub, findings } = scrubOf(used(secret));
    const names = ['a', 'a', 'x!y', 'n'.repeat(99), 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    scrub.fields(names.map((name) => field(name, secret)));
    expect(findings).toEqual(['a', 'header', 'b', 'c', 'd', 'e', 'f', 'g'].map(found));
  });

  it('says of trailers that they are trailers', () => {
    const { scrub, findings } = scrubOf(used(secret));
    expect(scrub.fields([field('X-Sum', secret)], 'trailer')).toEqual([field('X-Sum', 'onecli://prod/a')]);
    expect(findings).toEqual([found('trailer')]);
  });
});

describe('AnswerScrub and several secrets', () => {
  it('puts each one’s own placeholder in its place', () => {
    const { scrub } = scrubOf(used('sk-canary-one1', 'one'), used('sk-canary-two2', 'two'));
    expect(inBody(scrub, 'sk-canary-two2, sk-canary-one1')).toBe('onecli://prod/two, onecli://prod/one');
  });

  it('takes the longer one first when it holds the shorter one', () => {
    for (const secrets of [
      [used('canary', 'short'), used('sk-canary-7Qm2', 'long')],
      [used('sk-canary-7Qm2', 'long'), used('canary', 'short')],
    ]) {
      expect(inBody(scrubOf(...secrets).scrub, '[sk-canary-7Qm2] [canary]')).toBe(
        '[onecli://prod/long] [onecli://prod/short]',
      );
    }
  });
});

describe('AnswerScrub and what a binding asks for', () => {
  it('looks for nothing when all is off, too short, or no secret left', () => {
    expect(wantedOf([])).toBeUndefined();
    expect(wantedOf([used(secret, 'a', 'off'), used('abc')])).toBeUndefined();
  });

  it('refuses a head and a body that hold one that is to be refused', () => {
    const { scrub, findings } = scrubOf(used(secret, 'a', 'refuse'));
    expect(scrub.head({ reason: 'OK', headers: [field('A', `x${secret}`)] })).toBe('refused');
    expect(scrub.head({ reason: secret, headers: [] })).toBe('refused');
    expect(inBody(scrub, `..${secret}..`)).toBe('refused');
    expect(inBody(scrub, 'nothing')).toBe('nothing');
    expect(findings).toEqual([found('a'), found('reason'), found('body')]);
  });

  it('replaces one and refuses for another', () => {
    const { scrub } = scrubOf(used(secret, 'a', 'refuse'), used('sk-canary-other', 'b'));
    expect(inBody(scrub, 'sk-canary-other')).toBe('onecli://prod/b');
    expect(inBody(scrub, `sk-canary-other ${secret}`)).toBe('refused');
  });
});
