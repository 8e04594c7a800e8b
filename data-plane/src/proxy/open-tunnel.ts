/** CONNECT: identity and host are settled here, once for the tunnel (rules 1, 2); then TLS is ours, and requests follow. */
import { type Decision, mayReachHost } from '@onecli/shared/domain/evaluate-policy';
import type { Socket } from 'node:net';
import { type InterceptResult, interceptTls } from '../tls/intercept-tls.ts';
import { requestFraming } from '../wire/frame-body.ts';
import { headerValues, type RequestHead } from '../wire/head.ts';
import { type Authority, parseAuthority } from '../wire/parse-authority.ts';
import { type AgentSide, agentSide, closeGently, type Tunnel } from './agent-side.ts';
import { answerRefusal, type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { handleRequest } from './handle-request.ts';
import { type Identity, identify } from './identify.ts';
import { type Served, serveConnection } from './serve-connection.ts';

const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');

/** Answers a CONNECT and serves the tunnel. A refusal carries its code in the reason phrase: clients show only that. */
export async function openTunnel(plane: DataPlane, side: AgentSide, head: RequestHead): Promise<Served> {
  const exchange = new Exchange(plane, head);
  const tunnel = admit(plane, head, exchange);
  if (tunnel.kind === 'refused') {
    refuseTunnel(side.socket, exchange, tunnel, true);
    return 'close';
  }
  const secureContext = plane.authority.leaves?.secureContextFor(tunnel.destination.host.replace(/^\[|\]$/g, ''));
  if (!secureContext) {
    refuseTunnel(side.socket, exchange, refusal('NOT_READY', 'This worker has no certificate authority yet.'), true);
    return 'close';
  }
  side.socket.write(established);
  side.deadline.clear();
  const early = side.reader.detach();
  const secured = await interceptTls(side.socket, early, {
    secureContext,
    handshakeTimeoutMs: plane.limits.handshakeMs,
  });
  if (secured.kind === 'failed') return endUnsecured(plane, side.socket, exchange, secured);
  const { socket, serverName } = secured;
  plane.connections.add(socket);
  const mismatch = compareServerName(serverName, tunnel.destination);
  if (mismatch) {
    refuseTunnel(socket, exchange, mismatch, false);
    closeGently(socket);
    return 'taken';
  }
  const inner = agentSide(plane, socket, {
    identity: tunnel.identity,
    destination: tunnel.destination,
    rules: undefined,
  });
  await serveConnection(plane, inner, (innerHead) => handleRequest(plane, inner, innerHead));
  return 'taken';
}

/** Who is it, where to, and may it talk to that host at all? A certificate is minted only after a yes to each. */
function admit(
  plane: DataPlane,
  head: RequestHead,
  exchange: Exchange,
): (Pick<Tunnel, 'identity' | 'destination'> & { readonly kind: 'admitted' }) | Refusal {
  const configuration = plane.configuration.current;
  if (!configuration) return refusal('NOT_READY', 'This worker has no configuration yet.');
  if (plane.isDraining) return refusal('DRAINING', 'This worker is shutting down.');
  exchange.revision = configuration.revision;
  const destination = connectDestination(head);
  if (destination.kind === 'authority') exchange.destination = destination;
  const identity: Identity | Refusal = identify(head.headers, configuration, plane.tokenPepper, Date.now());
  if (identity.kind === 'refused') return identity;
  exchange.agent = identity.agent;
  if (destination.kind === 'refused') return destination;
  const rules = configuration.policyOf(identity.agent).rulesFor(destination.host, destination.port);
  const decision: Decision = mayReachHost(rules);
  exchange.rule = decision.rule;
  if (decision.kind === 'deny') return exchange.deny();
  return plane.trail.hasRoom
    ? { kind: 'admitted', identity, destination }
    : refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');
}

function connectDestination(head: RequestHead): Authority | Refusal {
  const framing = requestFraming(head);
  if (framing.kind === 'fault') return refusal('BAD_REQUEST', framing.detail);
  const destination = parseAuthority(head.target);
  if (destination.kind === 'fault') return refusal('BAD_REQUEST', destination.detail);
  const hosts = headerValues(head.headers, 'host');
  if (hosts.length > 1) return refusal('BAD_REQUEST', 'There is more than one Host header.');
  for (const text of hosts) {
    const host = parseAuthority(text, destination.port);
    if (host.kind === 'fault') return refusal('BAD_REQUEST', host.detail);
    if (host.host !== destination.host || host.port !== destination.port)
      return refusal('MISDIRECTED', 'The Host header names another host or port than the CONNECT.');
  }
  return destination;
}

/** Rule 1: the SNI, if one was sent, is the CONNECT host. */
function compareServerName(serverName: string | undefined, destination: Authority): Refusal | undefined {
  if (serverName === undefined) return undefined;
  const named = parseAuthority(serverName, destination.port);
  if (named.kind === 'authority' && named.host === destination.host) return undefined;
  return refusal('MISDIRECTED', 'The TLS server name is not the host of the CONNECT.');
}

function refuseTunnel(socket: Socket, exchange: Exchange, refused: Refusal, isConnect: boolean): void {
  const { bytes, bodyBytes } = answerRefusal(refused, {
    requestId: exchange.requestId,
    isClosing: true,
    method: '',
    isConnect,
  });
  exchange.answerBytes = bodyBytes;
  if (socket.writable) socket.write(bytes);
  exchange.record(refused);
}

function endUnsecured(
  plane: DataPlane,
  socket: Socket,
  exchange: Exchange,
  failed: Extract<InterceptResult, { kind: 'failed' }>,
): Served {
  if (failed.reason === 'not-tls') {
    refuseTunnel(
      socket,
      exchange,
      refusal('BAD_REQUEST', 'Only TLS may go through CONNECT; for http:// send the absolute URL to the proxy.'),
      false,
    );
    closeGently(socket);
    return 'taken';
  }
  if (failed.reason === 'closed') return 'taken';
  plane.log.info(
    { requestId: exchange.requestId, reason: failed.reason, detail: failed.detail },
    'an agent did not finish its TLS handshake',
  );
  exchange.record(refusal('TLS_HANDSHAKE_FAILED', failed.detail));
  return 'taken';
}
