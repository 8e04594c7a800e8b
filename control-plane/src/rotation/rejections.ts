import type { RotationBody } from './rotation-input.ts';
import type { VersionUses } from './rotation-store.ts';

/** Whether upstreams reject a version so often that it may not work. */
export function isRejected(
  { rollBackAfter, rollBackShare }: Pick<RotationBody, 'rollBackAfter' | 'rollBackShare'>,
  { uses, rejections }: VersionUses,
): boolean {
  return rejections >= rollBackAfter && rejections >= uses * rollBackShare;
}

/**
 * Whether somebody else says so too. One agent may have what it asks for refused on purpose, to have an old key stay: then another
 * agent has to be refused, or our own canary request. Where nobody else uses the secret and there is no canary, it is believed.
 * @param canary sends it and gives its status
 */
export async function isConfirmed(
  { verify }: Pick<RotationBody, 'verify'>,
  { agents, rejectedAgents }: VersionUses,
  canary: (template: NonNullable<RotationBody['verify']>) => Promise<number>,
): Promise<boolean> {
  if (rejectedAgents >= 2) return true;
  if (verify === undefined) return agents < 2;
  const status = await canary(verify);
  return [401, 403].includes(status) && !verify.expectStatus?.includes(status);
}
