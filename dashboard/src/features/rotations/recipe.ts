import { parse, stringify } from 'yaml';
import type { RotationRowFragment } from '../../gql/graphql.ts';

export interface RecipeFields {
  readonly schedule: string;
  readonly zone: string;
  readonly isEnabled: boolean;
  readonly currentKeyId: string;
  /** YAML: what makes, tries, hands over and ends keys. */
  readonly text: string;
}

/** Beginnings of recipes, by what makes the new value. */
export const recipeExamples = {
  create: {
    label: 'The provider makes a key, by its API',
    text: `create:
  url: https://api.provider.example/v1/keys
  headers: { authorization: "Bearer onecli://prod/provider-admin" }
  body: '{"name":"onecli {{runId}}"}'
  valuePath: $.key.secret
  keyIdPath: $.key.id
verify:
  method: GET
  url: https://api.provider.example/v1/me
  headers: { authorization: "Bearer {{new}}" }
revoke:
  method: DELETE
  url: https://api.provider.example/v1/keys/{{oldKeyId}}
  headers: { authorization: "Bearer onecli://prod/provider-admin" }
graceSeconds: 86400
watchSeconds: 600
`,
  },
  webhook: {
    label: 'A webhook of yours gives the value',
    text: `webhook:
  url: https://rotate.example.com/onecli
  secret: prod/webhook-signing-key
graceSeconds: 86400
watchSeconds: 600
`,
  },
  generate: {
    label: 'A random value, handed over to the provider',
    text: `generate: { length: 40, alphabet: alphanumeric }
deliver:
  method: PUT
  url: https://api.provider.example/v1/password
  headers: { authorization: "Bearer {{old}}", content-type: application/json }
  body: '{"password":"{{new}}"}'
graceSeconds: 600
watchSeconds: 600
`,
  },
} as const;

export function recipeFields(rotation: RotationRowFragment | null): RecipeFields {
  if (rotation === null)
    return { schedule: '', zone: 'UTC', isEnabled: true, currentKeyId: '', text: recipeExamples.create.text };
  const { schedule, zone, isEnabled, recipe } = rotation;
  return { schedule: schedule ?? '', zone, isEnabled, currentKeyId: '', text: stringify(recipe) };
}

/** What has a field of its own, by that field's label: in the text it would be overwritten, and nobody told. */
const ownFields = {
  schedule: 'Schedule',
  zone: 'Time zone',
  isEnabled: 'Enabled',
  currentKeyId: 'Id of the current key',
} as const;

/** The recipe as the API takes it, or what is wrong with its text. */
export function recipeOf({ schedule, zone, isEnabled, currentKeyId, text }: RecipeFields): object | string {
  let recipe: unknown;
  try {
    recipe = parse(text);
  } catch (error) {
    return error instanceof Error ? error.message : 'The recipe is no YAML.';
  }
  if (typeof recipe !== 'object' || recipe === null || Array.isArray(recipe))
    return 'The recipe is to have one of create, webhook and generate.';
  const misplaced = Object.entries(ownFields).filter(([key]) => Object.hasOwn(recipe, key));
  if (misplaced.length > 0) {
    const places = misplaced.map(([key, label]) => `${key} is set in the field “${label}”`).join('; ');
    return `${places}. Take ${misplaced.length === 1 ? 'it' : 'them'} out of the recipe.`;
  }
  return {
    ...recipe,
    schedule: schedule.trim() === '' ? null : schedule.trim(),
    zone: zone.trim(),
    isEnabled,
    ...(currentKeyId.trim() !== '' && { currentKeyId: currentKeyId.trim() }),
  };
}

/** What is saved, as the API takes it. */
export function savedRecipe({ schedule, zone, isEnabled, recipe }: RotationRowFragment): object {
  return { ...(recipe as object), schedule, zone, isEnabled };
}

/** A recipe that says of each part that a saved one has whether it has it too: a part that was taken out is a change. */
export function withKeys(saved: readonly RotationRowFragment[], recipe: object | string): object | string {
  if (typeof recipe === 'string') return recipe;
  const keys = saved.flatMap((one) => Object.keys(savedRecipe(one)));
  return { ...Object.fromEntries(keys.map((key) => [key, undefined])), ...recipe };
}
