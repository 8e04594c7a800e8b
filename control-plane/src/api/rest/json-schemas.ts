import { z } from 'zod';

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Writes zod schemas as JSON Schema. One that has an `id` becomes a component, to which all who use it refer. */
export class JsonSchemas {
  readonly components: Record<string, JsonSchema> = {};

  /** What a client may send. Rules that JSON Schema cannot tell are left out: the server keeps them all the same. */
  ofInput(schema: z.ZodType): JsonSchema {
    return this.#write(schema, 'input');
  }

  /** What a client gets. */
  ofAnswer(schema: z.ZodType): JsonSchema {
    return this.#write(schema, 'output');
  }

  #write(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const {
      $schema: _,
      $defs = {},
      id,
      ...root
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: ({ zodSchema }) =>
        zodSchema._zod.def.type === 'date' ? { type: 'string', format: 'date-time' } : 'any',
    }) as Record<string, unknown>;
    for (const [name, { id: __, ...definition }] of Object.entries($defs as Record<string, Record<string, unknown>>))
      this.#keep(name, definition);
    if (typeof id !== 'string') return withReferences(root);
    this.#keep(id, root);
    return { $ref: `#/components/schemas/${id}` };
  }

  #keep(name: string, schema: JsonSchema): void {
    const kept = withReferences(schema);
    const before = this.components[name];
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(kept))
      throw new Error(`Two schemas have the id ${name}`);
    this.components[name] = kept;
  }
}

/** zod refers to what stands beside a schema; a document's schemas stand among its components. */
function withReferences(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;
}
