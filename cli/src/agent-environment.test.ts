import { describe, expect, it } from 'vitest';
import { parseAssignments } from './agent-environment.ts';

describe('parseAssignments', () => {
  it.each([
    ['KEY=prod/openai', 'onecli://prod/openai'],
    ['KEY=onecli://prod/openai', 'onecli://prod/openai'],
    ['KEY=prod/openai@3', 'onecli://prod/openai@3'],
  ])('reads %s', (text, placeholder) => {
    expect(parseAssignments([text])).toEqual({ KEY: placeholder });
  });

  it.each(['KEY', '=prod/openai', 'KEY=openai', 'K-Y=prod/openai', 'KEY=prod/openai@0'])('refuses %s', (text) => {
    expect(() => parseAssignments([text])).toThrow('--set');
  });

  it('does not repeat what may be a real key', () => {
    expect(() => parseAssignments(['KEY=sk-real'])).not.toThrow(/sk-real/);
  });
});
