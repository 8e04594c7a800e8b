import type { Socket } from 'node:net';
import type { DataPlane } from '../data-plane.ts';
import type { DeadlineClock } from '../deadline.ts';
import { Http1Agent } from '../http1-agent.ts';
import { defaultLimits } from '../limits.ts';
import { OpenConnections } from '../open-connections.ts';

/** An agent's connection over a socket, with all that one asks of the data plane. */
export function http1AgentOn(socket: Socket, clock: DeadlineClock): Http1Agent {
  const plane = { clock, limits: defaultLimits, connections: new OpenConnections() } as Partial<DataPlane>;
  return new Http1Agent(plane as DataPlane, socket, socket, undefined);
}
