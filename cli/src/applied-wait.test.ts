import { describe, expect, it } from 'vitest';
import { AppliedWait } from './applied-wait.ts';

const everywhere = { isEverywhere: true, confirmedBy: 2, behind: [], silent: [] };

function told(answer: unknown): [boolean, string] {
  const wait = new AppliedWait();
  const lines: string[] = [];
  wait.begin(5);
  if (answer !== undefined) wait.take(answer);
  const isSettled = wait.tell({ notice: (line) => void lines.push(line) });
  return [isSettled, lines.join('\n')];
}

describe('what --wait says', () => {
  it('is that it is in force, when every worker has it', () => {
    expect(told({ revision: 7, applied: everywhere, name: 'bot' })).toEqual([
      true,
      'in force at every worker (2), in revision 7',
    ]);
  });

  it('names the workers that have it not, and those that nobody hears of', () => {
    const applied = { isEverywhere: false, confirmedBy: 1, behind: ['w-2', 'w-3'], silent: ['w-4'] };
    expect(told({ revision: 7, applied })).toEqual([
      false,
      'written in revision 7, but not known to be in force everywhere: not applied within 5 s by w-2, w-3; no word from w-4',
    ]);
  });

  it.each([
    [{ revision: 7, applied: { ...everywhere, isEverywhere: false, confirmedBy: 0 } }, 'no worker is running'],
    [{ revision: 7, applied: null }, 'the gateway could not tell'],
    [{ revision: 7 }, 'the gateway did not say'],
    [null, 'the gateway did not say'],
    ['', 'the gateway did not say'],
  ])('is never that it is in force when nobody said so: %j', (answer, text) => {
    const [isSettled, line] = told(answer);
    expect(isSettled).toBe(false);
    expect(line).toContain(text);
  });

  it('is that there was nothing to wait for, when nothing was sent', () => {
    expect(told(undefined)).toEqual([true, expect.stringContaining('nothing was written')]);
  });

  it('obeys no terminal codes in a name', () => {
    const applied = { isEverywhere: false, confirmedBy: 0, behind: ['w\u001b[2J'], silent: [] };
    expect(told({ revision: 7, applied })[1]).toContain('w\\u{1b}[2J');
  });
});
