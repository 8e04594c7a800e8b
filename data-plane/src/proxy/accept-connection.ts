/** A connection on the proxy port. Its requests are CONNECT, absolute-form, base-URL, or for the worker itself (`GET /health`). */
import type { Socket } from 'node:net';
import { answerOwnRequest } from '../health/own-endpoints.ts';
import type { RequestHead } from '../wire/head.ts';
import { isBaseUrl, readBaseUrl } from './base-url.ts';
import { writeResponseHead } from '../wire/write-head.ts';
import { refusal, refusalAnswer } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { handleRequest } from './handle-request.ts';
import { Http1Agent } from './http1-agent.ts';
import { openTunnel } from './open-tunnel.ts';
import { nextRequestId } from './request-id.ts';
import { refuseHead, type Served, serveConnection } from './serve-connection.ts';

/** Takes a connection just accepted and serves it to its end. */
export function acceptConnection(plane: DataPlane, socket: Socket): void {
  const connection = plane.connections.add(socket);
  if (!connection) return turnAway(socket);
  socket.setNoDelay(true);
  const agent = new Http1Agent(plane, socket, { raw: socket, connection, tunnel: undefined });
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

/** There is no room, and nothing was read: an answer all the same, and no waiting for it to arrive. */
function turnAway(socket: Socket): void {
  const refused = refusal('OVERLOADED', 'This worker has as many connections as it may have.');
  const { status, reason, headers, body } = refusalAnswer(refused, nextRequestId());
  const lengthBytes = Buffer.byteLength(body);
  const head = writeResponseHead(status, reason, [...headers, ['Connection', 'close']], {
    kind: 'length',
    lengthBytes,
  });
  socket.on('error', () => socket.destroy());
  socket.end(head + body, () => socket.destroy());
}
