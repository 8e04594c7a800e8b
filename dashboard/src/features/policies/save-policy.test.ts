import { describe, expect, it } from 'vitest';
import { savePolicy } from './save-policy.ts';

const answering = (code?: string) => () => Promise.resolve({ code, problem: code });
const text = 'name: renamed\nagents: [bot]\nrules: []\n';

describe('saving a policy’s text', () => {
  it('gives the name that a new one was saved under, and not the one that was proposed', async () => {
    expect(await savePolicy(text, undefined, 0, answering())).toEqual({ kind: 'saved', name: 'renamed' });
    expect(await savePolicy(text, 'renamed', 4, answering())).toEqual({ kind: 'saved', name: 'renamed' });
  });

  it('writes nothing under another name, or of a text that cannot be read', async () => {
    const never = () => Promise.reject(new Error('It was written'));
    expect(await savePolicy(text, 'bot', 4, never)).toMatchObject({
      problem: expect.stringContaining('has to stay bot') as string,
    });
    expect(await savePolicy('name: a\nmode: [monitor]', 'a', 4, never)).toMatchObject({ kind: 'refused' });
  });

  it('tells a conflict, which of a new one is a name that is taken', async () => {
    expect(await savePolicy(text, 'renamed', 4, answering('CONFLICT'))).toEqual({ kind: 'conflict' });
    expect(await savePolicy(text, undefined, 0, answering('CONFLICT'))).toMatchObject({
      problem: expect.stringContaining('already a policy renamed') as string,
    });
    expect(await savePolicy(text, 'renamed', 4, answering('INVALID'))).toEqual({ kind: 'refused', problem: 'INVALID' });
  });
});
