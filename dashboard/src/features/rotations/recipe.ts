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
  return {
    ...recipe,
    schedule: schedule.trim() === '' ? null : schedule.trim(),
    zone: zone.trim(),
    isEnabled,
    ...(currentKeyId.trim() !== '' && { currentKeyId: currentKeyId.trim() }),
  };
}
