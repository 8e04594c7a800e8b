/**
 * A connection on the proxy port, plain or TLS, directly or through a load balancer. Its requests are CONNECT,
 * absolute-form, base-URL, or for the worker itself (`GET /health`).
 */
import type { Socket } from 'node:net';
import { answerOwnRequest } from '../health/own-endpoints.ts';
import { peerCertificate } from '../identity/client-certificate.ts';
import type { Peer } from '../identity/peer.ts';
import { interceptTls } from '../tls/intercept-tls.ts';
import type { RequestHead } from '../wire/head.ts';
import { isBaseUrl, readBaseUrl } from './base-url.ts';
import { writeResponseHead } from '../wire/write-head.ts';
import { refusal, refusalAnswer } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { handleRequest } from './handle-request.ts';
import { Http1Agent } from './http1-agent.ts';
import type { OpenConnection } from './open-connections.ts';
import { openTunnel } from './open-tunnel.ts';
import { type Opening, readOpening } from './read-opening.ts';
import { nextRequestId } from './request-id.ts';
import { refuseHead, type Served, serveConnection } from './serve-connection.ts';

/** Takes a connection just accepted and serves it to its end. */
export function acceptConnection(plane: DataPlane, socket: Socket): void {
  const connection = plane.connections.add(socket);
  if (!connection) return turnAway(socket);
  socket.setNoDelay(true);
  countOpen(plane, socket);
  socket.on('error', ignoreFault);
  serve(plane, socket, connection).catch((error: unknown) => {
    plane.log.error({ err: error }, 'a connection failed unexpectedly');
    socket.destroy();
  });
}

/** A fault of the socket ends it, and its end is what is waited for. */
function ignoreFault(): void {}

async function serve(plane: DataPlane, socket: Socket, connection: OpenConnection): Promise<void> {
  const opening = await openingOf(plane, socket, connection);
  if (opening.kind === 'closed') return void socket.destroy();
  if (opening.kind === 'opened' && opening.isTls) return serveTls(plane, socket, connection, opening.source);
  const source = opening.kind === 'opened' ? opening.source : undefined;
  const peer: Peer = { source, certificate: undefined };
  const agent = new Http1Agent(plane, socket, { raw: socket, connection, peer, tunnel: undefined });
  socket.resume();
  if (opening.kind === 'refused') return refuseHead(plane, agent, refusal('BAD_REQUEST', `${opening.detail}.`));
  return serveRequests(plane, agent);
}

/** Until it has sent something a connection is idle, and has as long for that as for a request head. */
async function openingOf(plane: DataPlane, socket: Socket, connection: OpenConnection): Promise<Opening> {
  connection.isIdle = true;
  const deadline = plane.clock.deadline(() => socket.destroy());
  deadline.extend(plane.limits.firstHeadMs);
  const opening = await readOpening(socket, plane.trustedProxies);
  deadline.clear();
  connection.isIdle = false;
  return opening;
}

async function serveTls(
  plane: DataPlane,
  raw: Socket,
  connection: OpenConnection,
  source: string | undefined,
): Promise<void> {
  const { proxyPortTls } = plane;
  const secured = await interceptTls(raw, Buffer.alloc(0), {
    secureContext: (serverName) => contextFor(plane, serverName, raw),
    asksForCertificate: proxyPortTls.asksForCertificate,
    handshakeTimeoutMs: plane.limits.handshakeMs,
  });
  if (secured.kind === 'failed') {
    const { reason, detail } = secured;
    plane.log.info({ reason, detail }, 'a client did not finish its TLS handshake with the proxy port');
    if (reason === 'alert' || reason === 'handshake')
      new Exchange(plane, { method: '', target: '', minor: 1, headers: [] }).record(
        refusal('TLS_HANDSHAKE_FAILED', detail),
      );
    return;
  }
  const { socket } = secured;
  const certificate = peerCertificate(socket, (presented) => plane.authority.clients.issuerOf(presented));
  const peer: Peer = { source, certificate };
  await serveRequests(plane, new Http1Agent(plane, socket, { raw, connection, peer, tunnel: undefined }));
}

function contextFor(plane: DataPlane, serverName: string | undefined, raw: Socket) {
  try {
    const localAddress = (raw.localAddress ?? '').replace(/^::ffff:(?=\d+\.)|%.*$/g, '');
    return plane.proxyPortTls.secureContextFor(serverName, localAddress);
  } catch (error) {
    plane.log.error({ err: error }, 'a certificate for the proxy port could not be minted');
    return undefined;
  }
}

function serveRequests(plane: DataPlane, agent: Http1Agent): Promise<void> {
  return serveConnection(plane, agent, (head) => dispatch(plane, agent, head));
}

/** Apart, so that what a tunnel leaves on its socket keeps nothing of its CONNECT alive. */
function countOpen({ metrics }: DataPlane, socket: Socket): void {
  metrics.tunnels.inc();
  socket.on('close', () => metrics.tunnels.dec());
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
