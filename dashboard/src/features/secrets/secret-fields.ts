import type { Alphabet, GenerateInput, ScrubMode, SecretInput, SecretRowFragment, Surface } from '../../gql/graphql.ts';
import { localTimeOf, momentOf } from '../../ui/local-time.ts';
import { linesOf, listOf } from '../../ui/text-list.ts';

/** What a form has of a secret: all but its name and its value. */
export interface SecretFields {
  readonly description: string;
  readonly hosts: string;
  readonly surfaces: readonly Surface[];
  readonly jsonPaths: string;
  readonly scrub: ScrubMode;
  readonly allowCleartext: boolean;
  readonly expiresAt: string;
  readonly leaseSeconds: string;
  readonly maxVersions: string;
}

export const emptySecret: SecretFields = {
  description: '',
  hosts: '',
  surfaces: ['HEADER', 'BASIC'],
  jsonPaths: '',
  scrub: 'REPLACE',
  allowCleartext: false,
  expiresAt: '',
  leaseSeconds: '',
  maxVersions: '',
};

export function secretFields(secret: SecretRowFragment): SecretFields {
  const { description, binding, expiresAt, leaseSeconds, maxVersions } = secret;
  return {
    ...emptySecret,
    ...(binding !== null && {
      hosts: binding.hosts.join(', '),
      surfaces: binding.surfaces,
      jsonPaths: binding.jsonPaths?.join('\n') ?? '',
      scrub: binding.scrub,
      allowCleartext: binding.allowCleartext,
    }),
    description,
    expiresAt: localTimeOf(expiresAt),
    leaseSeconds: leaseSeconds?.toString() ?? '',
    maxVersions: maxVersions?.toString() ?? '',
  };
}

type Settings = Pick<SecretInput, 'description' | 'binding' | 'expiresAt' | 'leaseSeconds' | 'maxVersions'>;

export function secretInput(fields: SecretFields): Settings {
  return {
    description: fields.description,
    binding: bindingInput(fields),
    expiresAt: momentOf(fields.expiresAt),
    leaseSeconds: numberOf(fields.leaseSeconds),
    maxVersions: numberOf(fields.maxVersions),
  };
}

function bindingInput({ hosts: text, surfaces, jsonPaths, scrub, allowCleartext }: SecretFields) {
  const hosts = listOf(text);
  const paths = linesOf(jsonPaths);
  if (hosts.length === 0) return null;
  const isJson = surfaces.includes('JSON') && paths.length > 0;
  return { hosts, surfaces: [...surfaces], scrub, allowCleartext, ...(isJson && { jsonPaths: paths }) };
}

function numberOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text);
}

/** What a new value is: typed, or made at random by the gateway. */
export interface ValueFields {
  readonly isRandom: boolean;
  readonly value: string;
  readonly length: string;
  readonly alphabet: Alphabet;
  readonly prefix: string;
}

export const noValue: ValueFields = { isRandom: false, value: '', length: '40', alphabet: 'ALPHANUMERIC', prefix: '' };

export function valueInput(given: ValueFields): { readonly value: string } | { readonly generate: GenerateInput } {
  const { isRandom, value, length, alphabet, prefix } = given;
  return isRandom ? { generate: { length: Number(length), alphabet, prefix } } : { value };
}
