import type { Binding } from '@onecli/shared/domain/binding';
import type { Route } from '@onecli/shared/domain/route';
import type { AgentRecord, AliasUntil, SealedVersion, SecretRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import { secretVersionContext } from '@onecli/shared/seal-contexts';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { seal } from '@onecli/shared/vault/seal';

/** A real keyring of an instance of its own. */
export function newKeyring(): Keyring {
  return Keyring.create(MasterKey.fromHex('5a'.repeat(32)), '0192f0c1-2b3c-7d4e-8f50-112233445566').keyring;
}

export interface SecretText {
  readonly name: string;
  /** By version, from 1; the last one is current. */
  readonly values: readonly string[];
  readonly binding?: Binding;
  readonly isDisabled?: boolean;
  readonly alias?: string;
  readonly previousAlias?: AliasUntil;
  readonly expiresAtMs?: number;
}

/** A secret with its versions really sealed. */
export function sealedSecret(
  keyring: Keyring,
  { name, values, binding, isDisabled, ...more }: SecretText,
): SecretRecord {
  const id = `id-of-${name}`;
  const bound: Binding = binding ?? { hosts: ['api.example.com'], surfaces: ['header', 'basic'] };
  const versions = values.map((value, index): SealedVersion => {
    const version = index + 1;
    const sealed = seal(keyring, secretVersionContext(id, version, bound), Buffer.from(value));
    return { id: `${id}-${version}`, version, sealed };
  });
  return {
    id,
    name,
    ...more,
    binding: bound,
    isDisabled: isDisabled ?? false,
    currentVersion: values.length,
    versions: new Map(versions.map((version) => [version.version, version])),
  };
}

export function sampleAgent(name: string, more: Partial<AgentRecord> = {}): AgentRecord {
  return {
    id: `id-of-${name}`,
    name,
    labels: {},
    isDisabled: false,
    tokens: [],
    identities: [{ kind: 'token', cidrs: [] }],
    ...more,
  };
}

export function sampleSnapshot(parts: {
  readonly revision?: number;
  readonly secrets?: readonly SecretRecord[];
  readonly agents?: readonly AgentRecord[];
  readonly policies?: Snapshot['policies'];
  readonly routes?: readonly Route[];
}): Snapshot {
  return {
    revision: parts.revision ?? 1,
    secrets: new Map((parts.secrets ?? []).map((secret) => [secret.name, secret])),
    agents: new Map((parts.agents ?? []).map((agent) => [agent.id, agent])),
    policies: parts.policies ?? new Map(),
    routes: new Map((parts.routes ?? []).map((route) => [route.name, route])),
    authority: { id: 'authority-1', certificatePem: 'PEM', sealedKey: Buffer.alloc(0) },
    otherAuthorities: [],
    clientAuthorities: [],
  };
}
