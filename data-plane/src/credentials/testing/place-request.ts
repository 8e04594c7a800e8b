import type { Surface } from '@onecli/shared/domain/binding';
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import { Configuration } from '../../snapshot/configuration.ts';
import { newKeyring, type SecretText, sampleSnapshot, sealedSecret } from '../../snapshot/testing/sample-snapshot.ts';
import type { Header } from '../../wire/head.ts';
import type { PlacementScope } from '../placement-scope.ts';
import { SecretOpener } from '../open-secret.ts';
import { type Placement, placeCredentials } from '../place-credentials.ts';

const keyring = newKeyring();
export const opener = new SecretOpener(keyring);

/** A secret that is bound to `api.example.com` on the given surfaces. */
export function secretOn(
  surfaces: readonly Surface[],
  text: Partial<SecretText> & Pick<SecretText, 'name' | 'values'>,
): SecretRecord {
  return sealedSecret(keyring, { binding: { hosts: ['api.example.com'], surfaces, scrub: 'replace' }, ...text });
}

/** The scope of a request to `api.example.com`, with every secret granted unless `grants` says otherwise. */
export function scopeOf(secrets: readonly SecretRecord[], change: Partial<PlacementScope> = {}): PlacementScope {
  return {
    configuration: new Configuration(sampleSnapshot({ secrets })),
    grants: new Set(secrets.map(({ name }) => name)),
    host: 'api.example.com',
    port: 443,
    isSecure: true,
    ...change,
  };
}

/** Places the credentials of a request. */
export function placeRequest(
  scope: PlacementScope,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Placement {
  const list = Object.entries(headers).map(
    ([rawName, value]): Header => ({ name: rawName.toLowerCase(), rawName, value }),
  );
  return placeCredentials(list, target, scope, opener);
}

/** What must have been placed. */
export function placed(placement: Placement): Extract<Placement, { kind: 'placed' }> {
  if (placement.kind !== 'placed') throw new Error(JSON.stringify(placement.kind));
  return placement;
}
