import { describe, expect, it } from 'vitest';
import { appliedText } from './applied-note.ts';

const behind = ['w-1', 'w-2', 'w-3', 'w-4', 'w-5', 'w-6', 'w-7'];

describe('appliedText', () => {
  it.each([
    [{ isEverywhere: false, behind: ['worker-2'], silent: [] }, 'Saved. worker-2 has not applied it yet.'],
    [{ isEverywhere: false, behind: ['w-1', 'w-2'], silent: [] }, 'Saved. w-1 and w-2 have not applied it yet.'],
    [{ isEverywhere: false, behind, silent: [] }, 'Saved. w-1, w-2, w-3, w-4, w-5 and 2 more have not applied it yet.'],
    [
      { isEverywhere: false, behind: ['w-1'], silent: ['w-9'] },
      'Saved. w-1 has not applied it yet. w-9 does not report: nobody knows by what it decides.',
    ],
    [
      { isEverywhere: false, behind: [], silent: ['w-8', 'w-9'] },
      'Saved. w-8 and w-9 do not report: nobody knows by what they decide.',
    ],
    [{ isEverywhere: false, behind: [], silent: [] }, 'Saved. No worker is running.'],
  ])('says who does not have a write: %o', (waited, text) => {
    expect(appliedText(waited)).toBe(text);
  });

  it.each([{ isEverywhere: true, behind: [], silent: [] }, { isEverywhere: null, behind: null, silent: null }, {}])(
    'says nothing where all have it, and where nobody waited: %o',
    (waited) => {
      expect(appliedText(waited)).toBeUndefined();
    },
  );
});

const documents = import.meta.glob<string>('../**/*.graphql', { query: '?raw', import: 'default', eager: true });

describe('a write that waits', () => {
  it('asks for all that is said of it, in every document', () => {
    const waiting = Object.values(documents).flatMap((text) =>
      text.split(/^(?=mutation )/m).filter((one) => one.includes('wait: ')),
    );
    expect(waiting.length).toBeGreaterThan(3);
    for (const one of waiting) expect(one).toMatch(/\bbehind\s+silent\s+isEverywhere\b/);
  });
});
