/** A connection on the proxy port. Its requests are CONNECT, absolute-form, base-URL, or for the worker itself (`GET /health`). */
import type { Socket } from 'node:net';
import { answerOwnRequest } from '../health/own-endpoints.ts';
import type { RequestHead } from '../wire/head.ts';
import { isBaseUrl, readBaseUrl } from './base-url.ts';
import type { DataPlane } from './data-plane.ts';
import { handleRequest } from './handle-request.ts';
import { Http1Agent } from './http1-agent.ts';
import { openTunnel } from './open-tunnel.ts';
import { refuseHead, type Served, serveConnection } from './serve-connection.ts';

/** Takes a connection just accepted and serves it to its end. */
export function acceptConnection(plane: DataPlane, socket: Socket): void {
  socket.setNoDelay(true);
  const agent = new Http1Agent(plane, socket, socket, undefined);
  plane.metrics.tunnels.inc();
  socket.once('close', () => plane.metrics.tunnels.dec());
  serveConnection(plane, agent, (head) => dispatch(plane, agent, head)).catch((error: unknown) => {
    plane.log.error({ err: error }, 'a connection failed unexpectedly');
    socket.destroy();
  });
}

async function dispatch(plane: DataPlane, agent: Http1Agent, head: RequestHead): Promise<Served> {
  if (head.method === 'CONNECT') return openTunnel(plane, agent, head);
  if (isBaseUrl(head.target)) return serveBaseUrl(plane, agent, head);
  if (head.target.startsWith('/')) return answerOwnRequest(plane, agent, head);
  return handleRequest(plane, agent, head);
}

async function serveBaseUrl(plane: DataPlane, agent: Http1Agent, head: RequestHead): Promise<Served> {
  const based = readBaseUrl(head, plane.gatewayNames);
  if (based.kind === 'based') return handleRequest(plane, agent, based.head);
  await refuseHead(plane, agent, based, head.method);
  return 'taken';
}
