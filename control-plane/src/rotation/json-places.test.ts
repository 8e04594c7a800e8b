import { describe, expect, it } from 'vitest';
import { areAtBoundPlaces } from './json-places.ts';
import { variablesIn } from './template.ts';

const binding = { hosts: ['a.example'], surfaces: ['json'] as const, jsonPaths: ['$.key', '$.items[*].token'] };
const isLet = (body: string): boolean => areAtBoundPlaces(binding, body, variablesIn(body, ['new']));

describe('the places of a JSON body that a binding names', () => {
  it.each(['{"key":"{{new}}"}', '{"key":"x {{new}} {{new}}"}', '{"items":[{"token":"{{new}}"}],"other":"x"}'])(
    'take a secret: %s',
    (body) => expect(isLet(body)).toBe(true),
  );

  it.each([
    '{"other":"{{new}}"}',
    '{"key":"{{new}}","note":"{{new}}"}',
    '{"key":["{{new}}"]}',
    '{"{{new}}":"x"}',
    '{"key":"{{new}}","key":"x"}',
    '{"key":{{new}}}',
    'key={{new}}',
    '{"note":"{{new}}","key":"\\u007b{new}}"}',
    '{"__proto__":{"key":"{{new}}"}}',
  ])('and no other: %s', (body) => expect(isLet(body)).toBe(false));

  it('are any where the binding names none', () => {
    expect(areAtBoundPlaces({ hosts: [], surfaces: ['json'] }, '{"x":"{{new}}"}', [{ start: 6, end: 13 }])).toBe(true);
  });
});
