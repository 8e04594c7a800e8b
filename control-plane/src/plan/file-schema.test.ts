import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fileSchemaFile, fileSchemaText } from './file-schema.ts';

const text = readFileSync(fileSchemaFile, 'utf8');
const validate = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  formats: { 'date-time': true },
}).compile(JSON.parse(text) as object);
const examples = new URL('../../../docs/examples/', import.meta.url);
const isGood = (yaml: string) => validate(parse(yaml));

describe('docs/onecli.schema.json', () => {
  it('is what the types say: `npm run schema` writes it', () => {
    expect(text).toBe(fileSchemaText());
  });

  it('takes every example, and the file of the documentation', () => {
    for (const name of readdirSync(examples)) {
      const yaml = readFileSync(new URL(`${name}/onecli.yaml`, examples), 'utf8');
      expect(isGood(yaml), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
      expect(yaml).toMatch(/^# yaml-language-server: \$schema=\.\.\/\.\.\/onecli\.schema\.json\n/);
    }
    const page = readFileSync(new URL('../../../docs/as-code.md', import.meta.url), 'utf8');
    expect(isGood(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ''), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['a field that is misspelt', 'agents: [{ name: a, label: {} }]'],
    ['a value that stands in the file', 'secrets: [{ name: prod/a, value: x }]'],
    ['a rule without hosts', 'policies: [{ name: a, agents: [], rules: [{ allow: {} }] }]'],
    ['a surface that there is not', 'secrets: [{ name: prod/a, binding: { hosts: [a.example], surfaces: [body] } }]'],
    ['another version', 'apiVersion: onecli/v2'],
  ])('refuses %s', (_what, yaml) => {
    const file = yaml.startsWith('apiVersion') ? yaml : `apiVersion: onecli/v1\n${yaml}\n`;
    expect(isGood(file)).toBe(false);
  });
});
