import { describe, expect, it } from 'vitest';
import { FairTurns } from './fair-turns.ts';

const much = 64 * 1024;

/** Which of them have gone on after each turn of the event loop. */
async function goneOn(moved: readonly number[], turns: FairTurns, turnCount: number): Promise<number[][]> {
  const seen: number[][] = [];
  const gone: number[] = [];
  for (const [index, bytes] of moved.entries()) void turns.next(bytes).then(() => gone.push(index));
  for (let turn = 0; turn < turnCount; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push([...gone]);
  }
  return seen;
}

describe('FairTurns', () => {
  it('lets so many bytes go on in a turn, and the others in the next ones, in their order', async () => {
    const seen = await goneOn(
      Array.from({ length: 5 }, () => much),
      new FairTurns(2 * much),
      3,
    );
    expect(seen).toEqual([
      [0, 1],
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4],
    ]);
  });

  it('lets one that moved little pass all that stand in line', async () => {
    const [first] = await goneOn([much, much, much, 100], new FairTurns(much), 1);
    expect(first?.toSorted()).toEqual([0, 3]);
  });

  it('lets one go on that moves more than a turn has', async () => {
    const [first, second] = await goneOn([10 * much, 10 * much], new FairTurns(much), 2);
    expect([first, second]).toEqual([[0], [0, 1]]);
  });

  it('goes on with what comes later', async () => {
    const turns = new FairTurns(much);
    expect(await goneOn([much], turns, 1)).toEqual([[0]]);
    expect(await goneOn([much, much], turns, 2)).toEqual([[0], [0, 1]]);
  });
});
