import { describe, expect, it } from 'vitest';
import { findPlaceholders, placeholderFor } from './placeholder.ts';

const found = (text: string) =>
  findPlaceholders(text).map(({ name, version, start, end }) => ({ name, version, text: text.slice(start, end) }));

describe('findPlaceholders', () => {
  it('finds what placeholderFor writes', () => {
    expect(found(placeholderFor('prod/openai'))).toEqual([
      { name: 'prod/openai', version: undefined, text: 'onecli://prod/openai' },
    ]);
    expect(found(placeholderFor('prod/openai', 3))).toEqual([
      { name: 'prod/openai', version: 3, text: 'onecli://prod/openai@3' },
    ]);
  });

  it.each([
    ['onecli://prod/openai.', 'prod/openai.'],
    ['onecli://prod/openai-dev', 'prod/openai-dev'],
    ['onecli://prod/openai..x', 'prod/openai..x'],
    ['onecli://prod/openai/more', 'prod/openai'],
    ['onecli://prod/openai:x', 'prod/openai'],
    ['Bearer onecli://prod/openai, x', 'prod/openai'],
  ])('takes the name in %j as far as it goes', (text, name) => {
    expect(found(text).map((placeholder) => placeholder.name)).toEqual([name]);
  });

  it('finds several in one value, side by side and apart', () => {
    expect(found('onecli://a/b:onecli://c/d@2 onecli://e/f').map(({ text }) => text)).toEqual([
      'onecli://a/b',
      'onecli://c/d@2',
      'onecli://e/f',
    ]);
  });

  it('takes two that run into each other for one of another name', () => {
    // The first takes the second's scheme as part of its name: `b` + `onecli`, and what is left is no scheme.
    expect(found('onecli://a/bonecli://c/d')).toEqual([
      { name: 'a/bonecli', version: undefined, text: 'onecli://a/bonecli' },
    ]);
  });

  it.each([
    'onecli://',
    'x onecli://',
    'onecli:// ',
    'onecli:///openai',
    'onecli://prod',
    'onecli://prod/',
    'onecli://Prod/openai',
    'onecli://prod/Openai',
    'onecli://-prod/openai',
    'onecli://prod/.openai',
    'onecli://%70rod/openai',
  ])('finds in %j a placeholder that names nothing', (text) => {
    expect(found(text)).toEqual([{ name: undefined, version: undefined, text: 'onecli://' }]);
  });

  it.each([
    '@0',
    '@007',
    '@00',
    '@1000000000',
    '@0000000039',
    '@3x',
    '@3.',
    '@x',
    '@example.com',
    '@',
    `@${'9'.repeat(400)}`,
  ])('takes %s for no version, and leaves none of it behind', (version) => {
    const text = `onecli://prod/openai${version}`;
    expect(found(`${text} x`)).toEqual([{ name: undefined, version: undefined, text }]);
  });

  it.each(['', 'onecli', 'onecli:/prod/openai', 'ONECLI://prod/openai', 'one cli://prod/openai'])(
    'finds none in %j',
    (text) => {
      expect(findPlaceholders(text)).toEqual([]);
    },
  );

  it('goes over a text once, however many schemes stand in it', () => {
    const text = 'onecli://'.repeat(5000);
    expect(findPlaceholders(text)).toHaveLength(5000);
    expect(findPlaceholders(`onecli://${'a'.repeat(100_000)}`)).toHaveLength(1);
  });
});
