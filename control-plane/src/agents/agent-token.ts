import { randomBytes, randomUUID } from 'node:crypto';
import { agentTokenPrefix } from '@onecli/shared/domain/agent-token';
import type { AgentIdentity, TokenIdentity } from '@onecli/shared/domain/identity';
import type { AgentToken } from '@onecli/shared/domain/snapshot';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import type { EntityManager } from 'typeorm';
import { AgentTokenEntity } from './agent.entity.ts';

const tokenBytes = 32;
const shownCharacters = 8;

/** The identity by which an agent has a token, if it has that. */
export function tokenIdentity(identities: readonly AgentIdentity[]): TokenIdentity | undefined {
  return identities.find((identity) => identity.kind === 'token');
}

/** A token that was just made: its text is told this once. */
export interface NewToken {
  readonly text: string;
  readonly token: AgentToken;
}

/** Makes a token for an agent and gives it; only its keyed hash is kept. */
export async function insertToken(
  manager: EntityManager,
  pepper: Buffer,
  row: { readonly agentId: string; readonly createdAt: Date; readonly expiresAtMs: number | undefined },
): Promise<NewToken> {
  const text = agentTokenPrefix + randomBytes(tokenBytes).toString('base64url');
  const hash = tokenHash(pepper, text);
  await manager.insert(AgentTokenEntity, {
    id: randomUUID(),
    agentId: row.agentId,
    hash,
    prefix: text.slice(0, shownCharacters),
    createdAt: row.createdAt,
    expiresAt: row.expiresAtMs === undefined ? null : new Date(row.expiresAtMs),
  });
  return { text, token: { hash: hash.toString('hex'), expiresAtMs: row.expiresAtMs } };
}

/** The conditions of a token that replaces one: the same, and as much time as that one was given when it was made. */
export async function renewed(
  manager: EntityManager,
  agentId: string,
  identity: TokenIdentity,
  now: Date,
): Promise<TokenIdentity> {
  if (identity.expiresAtMs === undefined) return identity;
  const [latest] = await manager.find(AgentTokenEntity, { where: { agentId }, order: { createdAt: 'DESC' }, take: 1 });
  const lifeMs = identity.expiresAtMs - (latest?.createdAt ?? now).getTime();
  return { ...identity, expiresAtMs: now.getTime() + lifeMs };
}
