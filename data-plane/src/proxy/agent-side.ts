import type { Socket } from 'node:net';
import type { HostRules } from '@onecli/shared/domain/evaluate-policy';
import type { Configuration } from '../snapshot/configuration.ts';
import type { Authority } from '../wire/parse-authority.ts';
import type { DataPlane } from './data-plane.ts';
import type { Deadline } from './deadline.ts';
import type { Identity } from './identify.ts';
import type { OpenConnection } from './open-connections.ts';
import { SocketReader } from './socket-reader.ts';
import { writeBytes } from './write-bytes.ts';

/** The agent's end of a connection on which requests arrive: inside a tunnel, or in absolute form on the proxy port. */
export interface AgentSide {
  readonly socket: Socket;
  /** The TCP socket under `socket`; the same one outside a tunnel. */
  readonly raw: Socket;
  readonly reader: SocketReader;
  readonly deadline: Deadline;
  readonly connection: OpenConnection;
  /** Set inside a tunnel: whom the CONNECT was from and where it goes. */
  readonly tunnel: Tunnel | undefined;
}

export interface Tunnel {
  readonly identity: Identity;
  readonly destination: Authority;
  /** Where connections to the destination for this agent are pooled. */
  readonly poolKey: string;
  /** The rules for the destination under the configuration that was last asked. */
  rules:
    | { readonly configuration: Configuration; readonly identity: Identity; readonly hostRules: HostRules }
    | undefined;
}

/** The agent's end of a connection, with its deadline. */
export function agentSide(plane: DataPlane, socket: Socket, raw: Socket, tunnel: AgentSide['tunnel']): AgentSide {
  const reader = new SocketReader(socket);
  const deadline = plane.clock.deadline(() => {
    reader.interrupt();
    // A deadline that passes while bytes are written, not read, means that the agent does not take them.
    if (socket.writableNeedDrain) socket.destroy();
  });
  socket.once('close', () => deadline.clear());
  return { socket, raw, reader, deadline, connection: plane.connections.add(socket), tunnel };
}

/**
 * Writes to the agent and waits while it does not read; one that does not for too long loses its connection. False when
 * the connection is gone. Answers of our own go through here too: a peer that only asks must not fill our memory.
 */
export function writeToAgent(plane: DataPlane, side: AgentSide, pieces: readonly Buffer[]): boolean | Promise<boolean> {
  const written = writeBytes(side.socket, pieces);
  return typeof written === 'boolean' ? written : whileUnread(plane, side, written);
}

async function whileUnread(plane: DataPlane, side: AgentSide, written: Promise<boolean>): Promise<boolean> {
  side.deadline.extend(plane.limits.bodyIdleMs);
  const isOpen = await written;
  side.deadline.pause();
  return isOpen;
}

/** Ends a connection so that the agent cannot take what it has for a whole answer (rule 9): a reset, not an end. */
export function abort(side: AgentSide): void {
  side.raw.resetAndDestroy();
  side.socket.destroy();
}

const lingerMs = 2000;

/**
 * Ends a connection so that the last answer arrives: what the peer still sends is read and thrown away, because closing on
 * unread bytes would reset the connection and take the answer with it. The peer has `bodyIdleMs` to take the answer and
 * then a moment to end.
 */
export function closeGently(plane: DataPlane, side: AgentSide): void {
  const { socket, deadline } = side;
  if (socket.destroyed) return;
  side.reader.detach();
  socket.on('data', () => undefined);
  let timer = setTimeout(() => socket.destroy(), plane.limits.bodyIdleMs);
  socket.once('finish', () => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(), lingerMs);
  });
  socket.once('close', () => clearTimeout(timer));
  deadline.clear();
  socket.resume();
  socket.end();
}
