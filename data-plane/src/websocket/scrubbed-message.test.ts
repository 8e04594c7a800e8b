import { SecretValue } from '@onecli/shared/secret-value';
import { describe, expect, it } from 'vitest';
import { AnswerScrub, type EchoableSecret, wantedOf } from '../scrub/answer-scrub.ts';
import { ScrubbedMessage } from './scrubbed-message.ts';

const secretOf = (value: string, name: string): EchoableSecret => ({
  value: SecretValue.of(value),
  placeholder: `onecli://${name}`,
  scrub: 'replace',
});
const repeating = secretOf('abcabcabc', 'first');
const other = secretOf('other-secret', 'other');

function scrubOf(...secrets: readonly EchoableSecret[]): AnswerScrub {
  const wanted = wantedOf(secrets);
  if (!wanted) throw new Error('nothing to look for');
  return new AnswerScrub(wanted, []);
}

/** A message in these pieces; from the second on another secret has left. */
function scrubbed(before: AnswerScrub | undefined, after: AnswerScrub, pieces: readonly [string, ...string[]]): string {
  let now = before;
  const message = new ScrubbedMessage('text', () => now);
  let text = '';
  for (const piece of pieces) {
    text += String(message.push(Buffer.from(piece)));
    now = after;
  }
  return text + String(message.end());
}

describe('a message that comes while another secret leaves', () => {
  it('lets no byte through of a secret that was replaced in part already', () => {
    expect(scrubbed(scrubOf(repeating), scrubOf(repeating, other), ['<abcabcabc', 'abc>'])).toBe('<onecli://first>');
  });

  it('is searched for both from there on, in what waited too', () => {
    const after = scrubOf(repeating, other);
    expect(scrubbed(scrubOf(repeating), after, ['<abcabc', 'abc> <other-', 'secret>'])).toBe(
      '<onecli://first> <onecli://other>',
    );
    expect(scrubbed(undefined, scrubOf(other), ['<', 'other-secret>'])).toBe('<onecli://other>');
  });
});
