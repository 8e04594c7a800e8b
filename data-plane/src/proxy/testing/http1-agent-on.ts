import type { Socket } from 'node:net';
import type { DataPlane } from '../data-plane.ts';
import type { DeadlineClock } from '../deadline.ts';
import { Http1Agent } from '../http1-agent.ts';
import { defaultLimits } from './default-limits.ts';

/** An agent's connection over a socket, with all that one asks of the data plane. */
export function http1AgentOn(socket: Socket, clock: DeadlineClock): Http1Agent {
  const plane = { clock, limits: defaultLimits } as Partial<DataPlane>;
  const connection = { socket, isIdle: false, isExpired: false, retire: undefined, holder: undefined, openedMs: 0 };
  const peer = { source: '127.0.0.1', certificate: undefined };
  return new Http1Agent(plane as DataPlane, socket, { raw: socket, connection, peer, tunnel: undefined });
}
