/** What a tunnel takes of what all share: asked for once it is known whose it is and that policy lets it be. */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import type { Http1Agent } from './http1-agent.ts';

const retryAfterSeconds = 5;

/** Counts one more tunnel of an agent until its connection closes, or says why there is no room for it. */
export function takeTunnelRoom(plane: DataPlane, { raw }: Http1Agent, agentId: string): Refusal | undefined {
  if (!plane.pressure.hasRoomForTunnel)
    return refusal('OVERLOADED', 'This worker has little memory left.', { retryAfterSeconds });
  if (!plane.tunnels.enter(agentId))
    return refusal('TOO_MANY_TUNNELS', 'This agent has as many tunnels open as it may have.', { retryAfterSeconds });
  leaveOnClose(plane, raw, agentId);
  return undefined;
}

function leaveOnClose({ tunnels }: DataPlane, raw: Socket, agentId: string): void {
  if (raw.closed) tunnels.leave(agentId);
  else raw.on('close', () => tunnels.leave(agentId));
}

/** The certificate of a canonical host (IPv6 in brackets), minted now if need be and as long as the agent's budget lasts. */
export function leafFor(plane: DataPlane, agentId: string, host: string): SecureContext | Refusal {
  const name = certificateName(host);
  const { leaves } = plane.authority;
  if (leaves && !leaves.permits(name))
    return refusal('AUTHORITY_CONSTRAINED', 'The certificate authority of this gateway may not issue for this host.');
  const waitSeconds = !leaves || leaves.knows(name) ? 0 : plane.mints.take(agentId);
  if (waitSeconds > 0)
    return refusal('TOO_MANY_CERTIFICATES', 'Certificates for new hosts are being asked for too fast.', {
      retryAfterSeconds: waitSeconds,
    });
  return (
    minted(plane, () => leaves?.secureContextFor(name)) ??
    refusal('NOT_READY', 'This worker has no certificate authority that can issue now.')
  );
}

/** The certificate of a host that policy refuses, as long as the agent's budget for those lasts. */
export function refusalLeafFor(plane: DataPlane, agentId: string, host: string): SecureContext | undefined {
  const name = certificateName(host);
  const { leaves, refusalLeaves } = plane.authority;
  return leaves?.permits(name) === true
    ? minted(plane, () => refusalLeaves?.secureContextFor(agentId, name))
    : undefined;
}

function certificateName(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function minted(plane: DataPlane, mint: () => SecureContext | undefined): SecureContext | undefined {
  try {
    return mint();
  } catch (error) {
    plane.log.error({ err: error }, 'a certificate could not be minted');
    return undefined;
  }
}
