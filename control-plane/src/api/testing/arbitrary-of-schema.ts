import fc from 'fast-check';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

/** Values that a JSON Schema allows, as far as the schemas of this API go; small ones. */
export function arbitraryOf(schema: object, components: Readonly<Record<string, object>>): fc.Arbitrary<unknown> {
  const given = schema as Schema;
  const of = (part: object): fc.Arbitrary<unknown> => arbitraryOf(part, components);
  if (given.$ref !== undefined) return of(components[given.$ref.split('/').at(-1) ?? ''] ?? {});
  const arbitrary = ofKind(given, of);
  if (!given.examples?.length) return arbitrary;
  return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...given.examples) }, { weight: 1, arbitrary });
}

function ofKind(schema: Schema, of: (part: object) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return fc.oneof(...branches.map(of));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return ofString(schema);
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000, 1_000_000) });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(of(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case 'object':
      return ofObject(schema, of);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function ofString({ pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<unknown> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength, maxLength: Math.min(maxLength, 40), unit: 'grapheme' });
}

function ofObject(schema: Schema, of: (part: object) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
  if (Object.keys(properties).length === 0 && typeof additionalProperties === 'object')
    return fc.dictionary(of(propertyNames ?? { type: 'string' }) as fc.Arbitrary<string>, of(additionalProperties), {
      maxKeys: 3,
    });
  const model = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, of(part)]));
  return fc.record(model, { requiredKeys: [...required] });
}
