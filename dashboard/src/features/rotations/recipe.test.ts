import { describe, expect, it } from 'vitest';
import { recipeExamples, recipeFields, recipeOf } from './recipe.ts';

const fields = (text: string) => ({ ...recipeFields(null), schedule: ' 0 3 1 * * ', zone: 'Europe/Berlin', text });

describe('a recipe', () => {
  it.each(Object.values(recipeExamples))('begins with what the API takes: $label', ({ text }) => {
    expect(recipeOf(fields(text))).toMatchObject({ schedule: '0 3 1 * *', zone: 'Europe/Berlin', isEnabled: true });
  });

  it.each([
    ['schedule: "0 4 * * *"', 'schedule is set in the field “Schedule”. Take it out of the recipe.'],
    ['zone: UTC', 'zone is set in the field “Time zone”. Take it out of the recipe.'],
    ['isEnabled: false', 'isEnabled is set in the field “Enabled”. Take it out of the recipe.'],
    ['currentKeyId: null', 'currentKeyId is set in the field “Id of the current key”. Take it out of the recipe.'],
  ])('has no %s: the form would overwrite it', (line, problem) => {
    expect(recipeOf(fields(`${recipeExamples.generate.text}${line}\n`))).toBe(problem);
  });

  it('names each of them, in JSON too', () => {
    expect(recipeOf(fields('{"generate":{"length":40},"zone":"UTC","isEnabled":false}'))).toBe(
      'zone is set in the field “Time zone”; isEnabled is set in the field “Enabled”. Take them out of the recipe.',
    );
  });

  it('may have these names deeper down', () => {
    const text = 'webhook: { url: "https://a.example", secret: prod/a, zone: x }';
    expect(recipeOf(fields(text))).toMatchObject({ webhook: { zone: 'x' }, zone: 'Europe/Berlin' });
  });

  it.each(['', '[]', 'text', '{'])('is refused as it is: %j', (text) => {
    expect(recipeOf(fields(text))).toEqual(expect.any(String));
  });
});
