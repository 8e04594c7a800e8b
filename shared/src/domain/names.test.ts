import { describe, expect, it } from 'vitest';
import { environmentOf, isPlainName, isSecretName, maxNameLength } from './names.ts';

describe('isSecretName', () => {
  it.each(['prod/openai', '0/0', 'a-b/c.d_e-f', `p/${'x'.repeat(maxNameLength - 2)}`])('takes %j', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    '',
    'openai',
    '/openai',
    'prod/',
    'prod//openai',
    'prod/a/b',
    'Prod/openai',
    'prod/Openai',
    'prod/openai\n',
    'prod/ openai',
    'prod/openai@1',
    '-prod/openai',
    'prod/-openai',
    'prod/.openai',
    'pr_od/openai',
    'prod/öpenai',
    'prod/..',
    `p/${'x'.repeat(maxNameLength - 1)}`,
  ])('refuses %j', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('isPlainName', () => {
  it.each(['a', 'my-agent', 'a.b_c', '0', 'x'.repeat(maxNameLength)])('takes %j', (name) => {
    expect(isPlainName(name)).toBe(true);
  });

  it.each(['', 'My', 'a/b', '.a', '_a', '-a', 'a b', 'a\n', 'a:b', 'é', 'x'.repeat(maxNameLength + 1)])(
    'refuses %j',
    (name) => {
      expect(isPlainName(name)).toBe(false);
    },
  );
});

describe('environmentOf', () => {
  it('is what stands ahead of the slash', () => {
    expect(environmentOf('prod/openai')).toBe('prod');
  });
});
