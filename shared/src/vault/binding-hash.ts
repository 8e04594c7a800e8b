import { createHash } from 'node:crypto';
import { VaultFault } from './vault-fault.ts';

const MAX_DEPTH = 32;

/**
 * SHA-256 over the canonical JSON (RFC 8785) of a binding: the order of keys does not matter, the order of lists does.
 * A property that is undefined counts as absent, as it does once stored.
 * @throws VaultFault BAD_BINDING for what JSON cannot hold
 */
export function bindingHash(binding: unknown): Buffer {
  return createHash('sha256').update(canonicalJson(binding, 0)).digest();
}

function canonicalJson(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new VaultFault('BAD_BINDING', `A binding must not nest deeper than ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'boolean':
      return String(value);
    case 'string':
      return canonicalString(value);
    case 'number':
      if (!Number.isFinite(value)) throw notJson();
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${Array.from(value, (item) => canonicalJson(item, depth + 1)).join(',')}]`;
      return canonicalObject(value, depth);
    default:
      throw notJson();
  }
}

function canonicalObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson();
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${canonicalString(key)}:${canonicalJson(member, depth + 1)}`);
  return `{${members.join(',')}}`;
}

/** Lone surrogates have no UTF-8 form: two different ones would hash alike. */
function canonicalString(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw notJson();
  return JSON.stringify(text);
}

function notJson(): VaultFault {
  return new VaultFault(
    'BAD_BINDING',
    'A binding must be plain JSON: objects, lists, text, finite numbers, booleans, null',
  );
}
