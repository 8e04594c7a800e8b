import { describe, expect, it } from 'vitest';
import { knownEntries, namedEntries } from './entries.ts';

const links = [
  { group: 'traffic', path: '/activity', name: 'Activity', reads: 'audit:read' },
  { group: 'access', path: '/map', name: 'Access map', reads: 'policy:read' },
] as const;
const labels = (text: string, may = (_action: string) => true) =>
  knownEntries(text, links, may).map(({ label }) => label);

describe('what the palette offers', () => {
  it('is found by the beginnings of its words', () => {
    expect(labels('ma')).toEqual(['Access map']);
    expect(labels('new s')).toEqual(['New secret']);
    expect(labels('ctivity')).toEqual([]);
    expect(labels('')).toContain('Activity');
  });

  it('is nothing that the caller may not do', () => {
    expect(labels('', (action) => action === 'policy:read')).toEqual(['Access map']);
  });

  it('has names with what they are, and leads to them', () => {
    expect(namedEntries({ secrets: { nodes: [{ name: 'prod/openai' }] } })).toEqual([
      { to: '/secrets/prod%2Fopenai', label: 'prod/openai', hint: 'Secret' },
    ]);
  });
});
