import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { parseInput } from '../configuration/parse-input.ts';
import { newAgentInput } from './agent-input.ts';

function fieldRefused(input: unknown): string | undefined {
  try {
    parseInput(newAgentInput, input);
  } catch (error) {
    if (error instanceof Fault && error.code === 'INVALID') return error.field;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('newAgentInput', () => {
  it('gives an agent that names no identity a token', () => {
    expect(parseInput(newAgentInput, { name: 'a' })).toEqual({ name: 'a', labels: {}, identities: [{ token: {} }] });
  });

  it.each([
    ['a bad name', { name: 'A' }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['labels as a list', { name: 'a', labels: ['x'] }, 'labels'],
    ['a label that is no text', { name: 'a', labels: { team: null } }, 'labels.team'],
    ['a label with a line break', { name: 'a', labels: { team: 'a\nb' } }, 'labels.team'],
    ['a label with half a character', { name: 'a', labels: { team: '\ud800' } }, 'labels.team'],
    ['a label whose key is odd', { name: 'a', labels: { 'a b': 'x' } }, 'labels.a b'],
    [
      '65 labels',
      { name: 'a', labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v'])) },
      'labels',
    ],
    ['no identity', { name: 'a', identities: [] }, 'identities'],
    ['an unknown identity', { name: 'a', identities: [{ jwt: {} }] }, 'identities[0].token'],
    ['a token with settings', { name: 'a', identities: [{ token: { value: 'oat_x' } }] }, 'identities[0].token.value'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(fieldRefused(input)).toBe(field);
  });

  it('takes no label that would change an object’s prototype', () => {
    const { labels } = parseInput(newAgentInput, JSON.parse('{"name":"a","labels":{"__proto__":"x","team":"y"}}'));
    expect(Object.entries(labels)).toEqual([['team', 'y']]);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
  });
});
