import { describe, expect, it } from 'vitest';
import { OpenedBodies } from './opened-bodies.ts';

const row = { id: 'a', version: 1, sealedBody: Buffer.from('sealed') };
const text = (value: string) => () => Buffer.from(JSON.stringify({ rules: [value] }));
const unopened = (): Buffer => {
  throw new Error('it was opened');
};

describe('OpenedBodies', () => {
  it('opens a row once', () => {
    const bodies = new OpenedBodies<{ rules: string[] }>();
    expect(bodies.of(row, text('one'))).toEqual({ rules: ['one'] });
    expect(bodies.of({ ...row, sealedBody: Buffer.from('sealed') }, unopened)).toEqual({ rules: ['one'] });
  });

  it.each([
    ['another version', { ...row, version: 2 }],
    ['other bytes under the same version', { ...row, sealedBody: Buffer.from('sealec') }],
    ['the same bytes in another row', { ...row, id: 'b' }],
  ])('opens %s', (_what, changed) => {
    const bodies = new OpenedBodies<{ rules: string[] }>();
    bodies.of(row, text('one'));
    expect(() => bodies.of(changed, unopened)).toThrow('it was opened');
    expect(bodies.of(changed, text('two'))).toEqual({ rules: ['two'] });
  });

  it('gives out what nobody can change', () => {
    const body = new OpenedBodies<{ rules: string[] }>().of(row, text('one'));
    expect(() => body.rules.push('two')).toThrow(TypeError);
    expect(() => Object.assign(body, { rules: [] })).toThrow(TypeError);
  });

  it('forgets the oldest beyond its limit, and what does not fit', () => {
    const bodies = new OpenedBodies<{ rules: string[] }>(15);
    bodies.of(row, text('one'));
    bodies.of({ ...row, id: 'b' }, text('two'));
    bodies.of({ ...row, id: 'c' }, text('three'));
    expect(() => bodies.of(row, unopened)).toThrow('it was opened');
    expect(bodies.of({ ...row, id: 'd', sealedBody: Buffer.alloc(100) }, text('four'))).toEqual({ rules: ['four'] });
  });
});
