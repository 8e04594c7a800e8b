import {
  type ClientNames,
  issueClientCertificate,
  maxClientDays,
} from '@onecli/shared/certificates/issue-client-certificate';
import { certificateNames, type MtlsIdentity } from '@onecli/shared/domain/identity';
import { Fault } from '@onecli/shared/fault';
import { z } from 'zod';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { clientAuthority, recordCertificate } from '../authority/client-authority.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { ObjectRef } from '../configuration/object-ref.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { openIdentities, requireAgent } from './agent-identities.ts';

const defaultDays = 30;
/** How long a certificate is to be good. */
export const certificateInput = z.strictObject({
  days: z
    .int()
    .min(1, 'must be at least 1')
    .max(maxClientDays, `must be at most ${maxClientDays}`)
    .default(defaultDays),
});

/** A client certificate of an agent. The key is told this once and kept nowhere. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly expiresAt: Date;
}

/** Client certificates for agents that are known by one. */
export class AgentCertificateService {
  readonly #change: ChangeConfig;
  readonly #keys: InstanceKeys;

  constructor(change: ChangeConfig, keys: InstanceKeys) {
    this.#change = change;
    this.#keys = keys;
  }

  /**
   * Issues a certificate with the names of all mtls identities of an agent, with a new key. Those issued before stay good
   * until they expire. @throws Fault INVALID, also for an agent without such an identity; NOT_FOUND; CONFLICT when its authority has expired
   */
  async issue(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
  ): Promise<{ readonly object: IssuedCertificate; readonly change: 'CREATED'; readonly revision: number }> {
    authorize(principal, 'agent:rotate');
    const { days } = parseInput(certificateInput, input);
    const { result: object, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = await requireAgent(tx.manager, ref);
      const { name } = row;
      const names = namesOf(openIdentities(this.#keys.keyring, row).filter((identity) => identity.kind === 'mtls'));
      if (!names)
        throw new Fault('INVALID', `The agent ${name} has no mtls identity: give it one, and then its certificate`);
      const authority = await clientAuthority(tx, this.#keys.keyring);
      if (authority.signing.notAfter <= new Date())
        throw new Fault(
          'CONFLICT',
          'The authority for client certificates has expired: rotate it (onecli ca rotate --client)',
        );
      const issued = issueClientCertificate(authority.signing, names, { validDays: days });
      const expiresAt = issued.notAfter;
      await recordCertificate(tx.manager, { authorityId: authority.id, agentId: row.id, expiresAt });
      tx.audit('agent:certificate', 'agent', name, { days, authority: authority.id });
      return { certificate: issued.certificatePem, privateKey: issued.privateKeyPem, expiresAt };
    });
    return { object, change: 'CREATED', revision };
  }
}

/** One certificate carries every name that it may; of several common names only the first fits. */
function namesOf(identities: readonly MtlsIdentity[]): ClientNames | undefined {
  if (identities.length === 0) return undefined;
  const [commonNames = [], dnsNames = [], uris = []] = certificateNames.map((by) =>
    identities.filter((identity) => identity.by === by).map((identity) => identity.name),
  );
  return { commonName: commonNames[0], dnsNames, uris };
}
