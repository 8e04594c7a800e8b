import { parseJsonPath } from '@onecli/shared/domain/json-path';
import { secretValue } from '../secrets/secret-input.ts';
import type { ProviderAnswer } from './call-provider.ts';
import { isKeyId } from './key-id.ts';
import { ProviderFault } from './provider-fault.ts';

/** The new key, and what the provider calls it. Held for the moment only. */
export interface NewKey {
  readonly value: string;
  readonly keyId: string | undefined;
}

/** Reads a key out of a JSON answer. @throws ProviderFault, which repeats nothing of the answer */
export function readKey(host: string, { body }: ProviderAnswer, valuePath: string, keyIdPath?: string): NewKey {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    // Without its cause: the message of a parser quotes the text.
    throw new ProviderFault(host, 'did not answer in JSON');
  }
  const value = secretValue.safeParse(at(document, valuePath));
  if (!value.success) throw new ProviderFault(host, 'answered without a key where `valuePath` points');
  const keyId = keyIdPath === undefined ? undefined : keyIdIn(at(document, keyIdPath));
  if (keyIdPath !== undefined && keyId === undefined)
    throw new ProviderFault(host, 'answered without a name of the key where `keyIdPath` points');
  return { value: value.data, keyId };
}

/** A number that JavaScript rounds would name another key. */
function keyIdIn(given: unknown): string | undefined {
  const text = typeof given === 'number' && Number.isSafeInteger(given) ? String(given) : given;
  return typeof text === 'string' && isKeyId(text) ? text : undefined;
}

function at(document: unknown, path: string): unknown {
  const parsed = parseJsonPath(path);
  if (parsed.kind === 'invalid') return undefined;
  let place: unknown = document;
  for (const step of parsed.path.steps) {
    if (typeof step === 'symbol' || typeof place !== 'object' || place === null || !Object.hasOwn(place, step))
      return undefined;
    place = (place as Record<string | number, unknown>)[step];
  }
  return place;
}
