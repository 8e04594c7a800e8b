import type { AgentIdentity } from '@onecli/shared/domain/identity';
import { agentIdentitiesContext } from '@onecli/shared/seal-contexts';
import { seal } from '@onecli/shared/vault/seal';
import type { Logger } from 'pino';
import { describe, expect, it } from 'vitest';
import { IdentityIndex } from '../identity/identity-index.ts';
import { openIdentities } from './open-identities.ts';
import { newKeyring, sampleAgent } from './testing/sample-snapshot.ts';

const keyring = newKeyring();
const token = { hash: 'aa', expiresAtMs: undefined };

/** By how many tokens the agent is recognised whose row has these identities, and what was logged. */
function recognised(sealedIdentities: Buffer | undefined) {
  const logged: string[] = [];
  const log = { error: (_: unknown, text: string) => logged.push(text) } as unknown as Logger;
  const agent = sampleAgent('bot', { tokens: [token] });
  const identities = openIdentities(keyring, { ...agent, sealedIdentities, mac: undefined }, log);
  return { tokens: new IdentityIndex([{ ...agent, identities }]).tokens.size, logged: logged.length };
}

const sealed = (identities: readonly AgentIdentity[], agentId = 'id-of-bot'): Buffer =>
  seal(keyring, agentIdentitiesContext(agentId), Buffer.from(JSON.stringify(identities)));

describe('the identities of an agent', () => {
  it('are those that were sealed for it', () => {
    expect(recognised(sealed([{ kind: 'token', cidrs: [] }]))).toEqual({ tokens: 1, logged: 0 });
    expect(recognised(sealed([]))).toEqual({ tokens: 0, logged: 0 });
  });

  it.each([
    ['taken out of the database', undefined],
    ['another agent’s', sealed([{ kind: 'token', cidrs: [] }], 'id-of-another')],
    ['altered', Buffer.alloc(64)],
  ])('are none, and none is its token, where they were %s', (_what, bytes) => {
    expect(recognised(bytes)).toEqual({ tokens: 0, logged: 1 });
  });
});
