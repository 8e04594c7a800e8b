import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { parseInput } from '../configuration/parse-input.ts';
import { newSecretInput, secretUpdateInput } from './secret-input.ts';

const good = { name: 'prod/openai', value: 'sk-real', binding: { hosts: ['api.openai.com'], surfaces: ['header'] } };

function refusal(input: unknown, schema: typeof newSecretInput | typeof secretUpdateInput = newSecretInput): Fault {
  try {
    parseInput(schema, input);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('newSecretInput', () => {
  it('takes a secret as the documentation writes it, with and without a binding', () => {
    const binding = { ...good.binding, scrub: 'replace' };
    const absent = { description: '', alias: null, expiresAt: null, leaseSeconds: null, maxVersions: null };
    expect(parseInput(newSecretInput, good)).toEqual({ ...good, ...absent, binding });
    expect(parseInput(newSecretInput, { name: 'prod/x', value: 'v', description: 'd' }).binding).toBeNull();
  });

  it('writes hosts in canonical form, each once, and surfaces in their own order', () => {
    const binding = {
      hosts: ['API.OpenAI.com.', 'api.openai.com', 'bücher.example'],
      surfaces: ['basic', 'header', 'basic'],
    };
    expect(parseInput(newSecretInput, { ...good, binding }).binding).toEqual({
      hosts: ['api.openai.com', 'xn--bcher-kva.example'],
      surfaces: ['header', 'basic'],
      scrub: 'replace',
    });
  });

  it('binds to headers and Basic credentials when no surface is named', () => {
    const parsed = parseInput(newSecretInput, { ...good, binding: { hosts: ['api.openai.com'] } });
    expect(parsed.binding?.surfaces).toEqual(['header', 'basic']);
  });

  it('takes a value of 64 KB and not one byte more', () => {
    expect(parseInput(newSecretInput, { ...good, value: 'é'.repeat(32 * 1024) }).value).toHaveLength(32 * 1024);
    expect(refusal({ ...good, value: `${'é'.repeat(32 * 1024)}x` })).toMatchObject({ field: 'value' });
  });

  it.each([
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['a list', [good], undefined],
    ['text', 'prod/openai', undefined],
    ['an unknown field', { ...good, valu: 'x' }, 'valu'],
    ['an unknown field in the binding', { ...good, binding: { ...good.binding, host: 'x' } }, 'binding.host'],
    ['no name', { value: 'x' }, 'name'],
    ['a name of another type', { ...good, name: 7 }, 'name'],
    ['a name without environment', { ...good, name: 'openai' }, 'name'],
    ['a name in upper case', { ...good, name: 'Prod/openai' }, 'name'],
    ['a name with a line break at its end', { ...good, name: 'prod/openai\n' }, 'name'],
    ['a name of two slashes', { ...good, name: 'prod/open/ai' }, 'name'],
    ['a name of 129 characters', { ...good, name: `prod/${'a'.repeat(124)}` }, 'name'],
    ['a name with a version', { ...good, name: 'prod/openai@1' }, 'name'],
    ['an alias without a prefix', { ...good, alias: {} }, 'alias.prefix'],
    ['an alias with an empty prefix', { ...good, alias: { prefix: '' } }, 'alias.prefix'],
    ['an alias with a slash', { ...good, alias: { prefix: 'sk/' } }, 'alias.prefix'],
    ['an alias that looks like another', { ...good, alias: { prefix: 'sk-onecli7x' } }, 'alias.prefix'],
    ['an alias of the caller’s own', { ...good, alias: { text: 'sk-mine' } }, 'alias.prefix'],
    ['a scrub mode that is not there', { ...good, binding: { ...good.binding, scrub: 'yes' } }, 'binding.scrub'],
    ['no value', { name: 'prod/openai' }, 'value'],
    ['an empty value', { ...good, value: '' }, 'value'],
    ['a value of another type', { ...good, value: ['sk'] }, 'value'],
    ['a value with CR', { ...good, value: 'sk\r' }, 'value'],
    ['a value with LF', { ...good, value: 'sk\nX-Evil: 1' }, 'value'],
    ['a value with NUL', { ...good, value: 'sk\0' }, 'value'],
    ['a value with an escape character', { ...good, value: 'sk\x1b[0m' }, 'value'],
    ['a value with half a character', { ...good, value: 'sk\ud800' }, 'value'],
    ['a description with NUL', { ...good, description: 'a\0b' }, 'description'],
    ['a description with half a character', { ...good, description: '\udfff' }, 'description'],
    ['a description of 1001 characters', { ...good, description: 'a'.repeat(1001) }, 'description'],
    ['a binding without a host', { ...good, binding: { hosts: [], surfaces: ['header'] } }, 'binding.hosts'],
    ['a binding that names no hosts', { ...good, binding: { surfaces: ['header'] } }, 'binding.hosts'],
    ['a wildcard over a public suffix', { ...good, binding: { hosts: ['a.example', '*.com'] } }, 'binding.hosts[1]'],
    ['a wildcard over everything', { ...good, binding: { hosts: ['*'] } }, 'binding.hosts[0]'],
    ['a host that is a URL', { ...good, binding: { hosts: ['https://api.openai.com'] } }, 'binding.hosts[0]'],
    ['a host of another type', { ...good, binding: { hosts: [{}] } }, 'binding.hosts[0]'],
    ['hosts as text', { ...good, binding: { hosts: 'api.openai.com' } }, 'binding.hosts'],
    ['an unknown surface', { ...good, binding: { hosts: ['a.example'], surfaces: ['body'] } }, 'binding.surfaces[0]'],
    ['no surface', { ...good, binding: { hosts: ['a.example'], surfaces: [] } }, 'binding.surfaces'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(refusal(input)).toMatchObject({ code: 'INVALID', status: 400, field });
  });

  it('never repeats a value in its refusal', () => {
    for (const value of ['canary\n', 'canary'.repeat(20_000), 'canary\0']) {
      expect(refusal({ ...good, value }).message).not.toContain('canary');
    }
  });
});

describe('secretUpdateInput', () => {
  it('tells absent from null: a null binding unbinds, an absent one stays', () => {
    expect(parseInput(secretUpdateInput, {})).toEqual({});
    expect(parseInput(secretUpdateInput, { binding: null })).toEqual({ binding: null });
  });

  it.each([
    ['a null value', { value: null }, 'value'],
    ['a null description', { description: null }, 'description'],
    ['a name', { name: 'prod/other' }, 'name'],
    ['a version', { version: 3 }, 'version'],
    ['isDisabled as text', { isDisabled: 'true' }, 'isDisabled'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(refusal(input, secretUpdateInput)).toMatchObject({ code: 'INVALID', field });
  });
});
