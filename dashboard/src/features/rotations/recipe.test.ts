import { describe, expect, it } from 'vitest';
import type { RotationRowFragment } from '../../gql/graphql.ts';
import { changedParts, differencesOf } from '../../ui/differences.ts';
import { recipeExamples, recipeFields, recipeOf, savedRecipe, withKeys } from './recipe.ts';

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

describe('a saved recipe', () => {
  const row = (recipe: object) =>
    ({ schedule: null, zone: 'UTC', isEnabled: true, recipe, revision: 1 }) as unknown as RotationRowFragment;
  const saved = row({ generate: { length: 40 }, verify: { url: 'https://a.example' } });
  const mine = (text: string, seen = [saved]) => withKeys(seen, recipeOf({ ...recipeFields(saved), text })) as object;
  const base = withKeys([saved], recipeOf(recipeFields(saved))) as object;

  it('loses a part that is taken out of the text', () => {
    const parts = changedParts(base, mine('generate: { length: 40 }'));
    expect(JSON.parse(JSON.stringify({ ...savedRecipe(saved), ...parts }))).toEqual({
      generate: { length: 40 },
      schedule: null,
      zone: 'UTC',
      isEnabled: true,
    });
  });

  it('keeps what somebody else changed elsewhere, and says what that is', () => {
    const theirs = row({ generate: { length: 40 }, graceSeconds: 9 });
    const now = withKeys([theirs, saved], recipeOf(recipeFields(theirs))) as object;
    expect(differencesOf(base, now).map(({ field }) => field)).toEqual(['graceSeconds', 'verify']);
    const parts = changedParts(base, mine('generate: { length: 8 }\nverify: { url: "https://a.example" }'));
    expect(JSON.parse(JSON.stringify({ ...savedRecipe(theirs), ...parts }))).toMatchObject({
      generate: { length: 8 },
      graceSeconds: 9,
    });
    expect(parts).not.toHaveProperty('verify');
  });

  it('is no recipe when the text is none', () => {
    expect(withKeys([saved], 'wrong')).toBe('wrong');
  });
});
