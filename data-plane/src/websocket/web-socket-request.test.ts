import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import { describe, expect, it } from 'vitest';
import { SecretOpener } from '../credentials/open-secret.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import type { WebSocketUpgrade } from './upgrade.ts';
import { webSocketRequest } from './web-socket-request.ts';

const keyring = newKeyring();
const values = ['first-value-of-the-key', 'second-value-of-the-key'] as const;

/** As the store gives them: the versions of a secret have its id. */
function storedSecret(): SecretRecord {
  const secret = sealedSecret(keyring, { name: 'prod/realtime', values });
  const versions = [...secret.versions].map(([number, version]) => [number, { ...version, id: secret.id }] as const);
  return { ...secret, versions: new Map(versions) };
}

function usedOf(secret: SecretRecord, number: number): UsedSecret {
  const version = secret.versions.get(number);
  if (!version) throw new Error('no such version');
  return { secret, version, placeholder: `onecli://prod/realtime@${number}` };
}

function requestWith(secret: SecretRecord, leaving: readonly UsedSecret[]) {
  const configuration = new Configuration(sampleSnapshot({ secrets: [secret] }));
  const scope = {
    configuration,
    grants: new Set<string>(),
    host: 'api.example.com',
    port: 443,
    isSecure: true,
  };
  const plane = {
    opener: new SecretOpener(keyring),
    configuration: { current: configuration },
  };
  const exchange = { findings: [], leaving: () => undefined };
  const request = webSocketRequest(
    plane as unknown as DataPlane,
    exchange as unknown as Exchange,
    {} as WebSocketUpgrade,
    scope,
    leaving,
    () => new Set<string>(),
  );
  return {
    request,
    seen: (text: string): string => {
      const scrubbed = request
        .scrub()
        ?.payload('message')
        .push([Buffer.from(text)], true) ?? [Buffer.from(text)];
      return scrubbed === 'refused' ? scrubbed : Buffer.concat(scrubbed).toString();
    },
  };
}

describe('what is taken out of what the upstream of a WebSocket says', () => {
  it('is each version of a secret that has left, with the handshake or in a message', () => {
    const secret = storedSecret();
    const { request, seen } = requestWith(secret, [usedOf(secret, 1)]);
    expect(seen(values.join(' '))).toBe(`onecli://prod/realtime@1 ${values[1]}`);
    request.onLeaving([usedOf(secret, 2)]);
    expect(seen(values.join(' '))).toBe('onecli://prod/realtime@1 onecli://prod/realtime@2');
  });

  it('is looked for once, also when its record is another one meanwhile', () => {
    const secret = storedSecret();
    const { request } = requestWith(secret, [usedOf(secret, 1)]);
    const before = request.scrub();
    request.onLeaving([usedOf(storedSecret(), 1)]);
    expect(request.scrub()).toBe(before);
  });
});
