import type { Socket } from 'node:net';
import type { HostRules } from '@onecli/shared/domain/evaluate-policy';
import type { Configuration } from '../snapshot/configuration.ts';
import type { Authority } from '../wire/parse-authority.ts';
import type { DataPlane } from './data-plane.ts';
import type { Deadline } from './deadline.ts';
import type { Identity } from './identify.ts';
import { SocketReader } from './socket-reader.ts';

/** The agent's end of a connection on which requests arrive: inside a tunnel, or in absolute form on the proxy port. */
export interface AgentSide {
  readonly socket: Socket;
  readonly reader: SocketReader;
  readonly deadline: Deadline;
  /** Set inside a tunnel: whom the CONNECT was from and where it goes. */
  readonly tunnel: Tunnel | undefined;
}

export interface Tunnel {
  readonly identity: Identity;
  readonly destination: Authority;
  /** The rules for the destination under the configuration that was last asked. */
  rules:
    | { readonly configuration: Configuration; readonly identity: Identity; readonly hostRules: HostRules }
    | undefined;
}

/** The agent's end of a connection, with its deadline. */
export function agentSide(plane: DataPlane, socket: Socket, tunnel: AgentSide['tunnel']): AgentSide {
  const reader = new SocketReader(socket);
  const deadline = plane.clock.deadline(() => {
    reader.interrupt();
    // A deadline that passes while bytes are written, not read, means that the agent does not take them.
    if (socket.writableNeedDrain) socket.destroy();
  });
  socket.once('close', () => deadline.clear());
  return { socket, reader, deadline, tunnel };
}

const lingerMs = 2000;

/**
 * Ends a connection so that the last answer arrives: what the peer still sends is read and thrown away for a moment,
 * because closing on unread bytes would reset the connection and take the answer with it.
 */
export function closeGently(socket: Socket): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.on('data', () => undefined);
  socket.resume();
  socket.end();
}
