import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { Boot, openTrail, textOf, type Trail, verify, verifyByScript } from './testing/open-trail.ts';

let trail: Trail;
beforeAll(async () => {
  trail = await openTrail(await freshDatabase());
});
afterAll(() => trail?.close());

describe('a trail', () => {
  it('of several boots, of which one died, is sound by both verifiers', async () => {
    const [one, two] = [new Boot(trail.macKey, 'w1', 'b1'), new Boot(trail.macKey, 'w2', 'b1')];
    for (let round = 0; round < 4; round++) {
      await trail.keep(one.take(700, 13));
      await trail.keep(two.take(90, 5));
      await trail.signer.sign(0);
    }
    await trail.keep(two.interrupted());
    await trail.signer.sign(0);
    const lines = await trail.lines();
    const report = verify(lines, { macKey: trail.macKey });
    expect(report).toMatchObject({ isSound: true, first: null, checkpoints: 5, areMacsChecked: true });
    const script = verifyByScript(textOf(lines), { macKey: trail.macKey });
    expect(script).toMatchObject({
      isSound: true,
      text: expect.stringContaining(`${report.entries} entries, 5 checkpoints, MACs checked: sound`),
    });
  });
});
