import { describe, expect, it } from 'vitest';
import { withoutValues } from './format-graphql-error.ts';

describe('withoutValues', () => {
  it.each([
    [
      'Variable "$input" got invalid value { name: "a", value: "canary" }; Field "foo" is not defined by type "SecretInput".',
      'Field "foo" is not defined',
    ],
    [
      'Variable "$input" got invalid value ["canary"] at "input.value"; String cannot represent a non string value: ["canary"]',
      'input.value is of the wrong type',
    ],
    [
      'Variable "$input" got invalid value { value: "canary" }; Field "name" of required type "String!" was not provided.',
      'Field "name" of required type "String!" was not provided',
    ],
    [
      'Variable "$input" got invalid value "canary at \\"x\\"; y" at "input.surfaces[0]"; Value "canary" does not exist in "Surface" enum.',
      '$input',
    ],
    ['Expected value of type "SecretInput!", found "canary".', 'Expected value of type "SecretInput!"'],
    ['String cannot represent a non string value: canary', 'String cannot represent a non string value'],
    ['Syntax Error: Expected Name, found String "canary".', 'Syntax Error: Expected Name'],
    [
      'Syntax Error: Unterminated string.\n\nGraphQL request:1:2\n1 | { a(value: "canary',
      'Syntax Error: Unterminated string.',
    ],
    [
      'Value "canary" does not exist in "Surface" enum. Did you mean the enum value "HEADER"?',
      'does not exist in "Surface" enum',
    ],
  ])('says what is wrong and quotes no value: %s', (message, kept) => {
    expect(withoutValues(message)).toContain(kept);
    expect(withoutValues(message)).not.toContain('canary');
  });
});
