import { readFileSync } from 'node:fs';
import { surfaces } from '@onecli/shared/domain/binding';
import { describe, expect, it } from 'vitest';
import { Surface } from '../secrets/secret.type.ts';
import { schemaFile, schemaText } from './schema-text.ts';

describe('schema.graphql', () => {
  it('is what the classes say: `npm run schema` writes it', () => {
    expect(readFileSync(schemaFile, 'utf8')).toBe(schemaText());
  });

  it('has no field by which a value comes out', () => {
    const types = schemaText().match(/^type \w+[^{]*\{[^}]*\}/gm) ?? [];
    const withValue = types.filter((type) => /^ {2}value\b/m.test(type)).map((type) => type.split(' ')[1]);
    expect(withValue).toEqual(['HeaderIdentity', 'Label']);
  });

  it('knows the surfaces of the domain', () => {
    expect(Object.values(Surface)).toEqual([...surfaces]);
  });
});
