import { describe, expect, it } from 'vitest';
import { selectorPicks } from './agent-selector.ts';

const agent = { name: 'bot', labels: { team: 'red', tier: '1' } };

describe('selectorPicks', () => {
  it('picks by name, letter by letter', () => {
    expect(selectorPicks({ kind: 'name', name: 'bot' }, agent)).toBe(true);
    expect(selectorPicks({ kind: 'name', name: 'Bot' }, agent)).toBe(false);
    expect(selectorPicks({ kind: 'name', name: '' }, agent)).toBe(false);
  });

  it('picks by labels when the agent carries each of them', () => {
    expect(selectorPicks({ kind: 'labels', labels: { team: 'red' } }, agent)).toBe(true);
    expect(selectorPicks({ kind: 'labels', labels: { team: 'red', tier: '2' } }, agent)).toBe(false);
    expect(selectorPicks({ kind: 'labels', labels: { team: 'red', other: 'x' } }, agent)).toBe(false);
  });

  it('picks nobody without labels, and nobody by what every object has', () => {
    expect(selectorPicks({ kind: 'labels', labels: {} }, agent)).toBe(false);
    const inherited = JSON.parse('{"__proto__":"[object Object]"}') as Record<string, string>;
    expect(selectorPicks({ kind: 'labels', labels: inherited }, agent)).toBe(false);
  });

  it('is not slowed by a glob of many stars', () => {
    const glob = `${'a*'.repeat(60)}b`;
    expect(selectorPicks({ kind: 'glob', glob }, { name: 'a'.repeat(128), labels: {} })).toBe(false);
    expect(selectorPicks({ kind: 'glob', glob }, { name: `${'a'.repeat(127)}b`, labels: {} })).toBe(true);
  });
});
