/** CONNECT: identity and host are settled here, once for the tunnel (rules 1, 2); then TLS is ours, and requests follow. */
import { type HostOptions, mayReachHost } from '@onecli/shared/domain/evaluate-policy';
import type { SecureContext } from 'node:tls';
import { serveHttp2 } from '../http2/agent-session.ts';
import { type Identity, identify } from '../identity/identify.ts';
import { type InterceptResult, interceptTls, type Protocol } from '../tls/intercept-tls.ts';
import { requestFraming } from '../wire/frame-body.ts';
import { headerValues, type RequestHead } from '../wire/head.ts';
import { type Authority, parseAuthority } from '@onecli/shared/wire/parse-authority';
import type { Tunnel } from './agent-stream.ts';
import { internalHost, type Refusal, refusal } from './answer.ts';
import { answerRefusal } from './answer-refusal.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { handleRequest } from './handle-request.ts';
import { Http1Agent } from './http1-agent.ts';
import { type PassThrough, passThrough } from './pass-through.ts';
import { type Served, serveConnection } from './serve-connection.ts';
import { leafFor, refusalLeafFor, takeTunnelRoom } from './take-tunnel-room.ts';
import { poolKeyOf } from './upstream-pool.ts';

/** Whoever offers HTTP/1.1 gets it, for it costs less. HTTP/2 is for those that offer nothing else, as gRPC does, */
const http1First: readonly Protocol[] = ['http/1.1', 'h2'];
/** and for those that offer both where a rule asks for it. */
const http2First: readonly Protocol[] = ['h2', 'http/1.1'];
const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');
const establishedToRefuse = Buffer.from(
  'HTTP/1.1 200 Connection Established\r\nx-onecli-error: POLICY_DENIED\r\n\r\n',
  'latin1',
);

/** Answers a CONNECT and serves the tunnel. A refusal carries its code in the reason phrase: clients show only that. */
export async function openTunnel(plane: DataPlane, agent: Http1Agent, head: RequestHead): Promise<Served> {
  const exchange = new Exchange(plane, head);
  const admitted = await admit(plane, agent, head, exchange);
  const tunnel = admitted.kind === 'pass-through' ? await passThrough(plane, agent, exchange, admitted) : admitted;
  if (tunnel === 'taken') return tunnel;
  if (tunnel.kind === 'refused') {
    await refuseTunnel(agent, exchange, tunnel, true);
    agent.closeGently();
    return 'taken';
  }
  agent.socket.write(tunnel.refused ? establishedToRefuse : established);
  agent.deadline.clear();
  // Nothing of the CONNECT is kept for as long as its tunnel is open: there may be thousands of them.
  endOnFault(plane, agent, serveTunnel(plane, agent, exchange, tunnel));
  return 'taken';
}

function serveTunnel(plane: DataPlane, agent: Http1Agent, exchange: Exchange, tunnel: Admitted): Promise<void> {
  const { refused } = tunnel;
  const unasked = refused && (() => exchange.record(refused));
  return secureTunnel(plane, agent, exchange, tunnel).then((inner) => inner && serveInside(plane, inner, unasked));
}

/** @param onUnasked called at the end of a tunnel in which no request came */
async function serveInside(plane: DataPlane, inner: Http1Agent, onUnasked: (() => void) | undefined): Promise<void> {
  let isAsked = false;
  await serveConnection(plane, inner, (head) => {
    isAsked = true;
    return handleRequest(plane, inner, head);
  });
  if (!isAsked) onUnasked?.();
}

function endOnFault(plane: DataPlane, { raw }: Http1Agent, served: Promise<void>): void {
  served.catch((error: unknown) => {
    plane.log.error({ err: error }, 'a tunnel failed unexpectedly');
    raw.destroy();
  });
}

/** A slice of a head keeps the whole head alive. */
function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The TLS handshake, and all of HTTP/2. Gives the agent inside the tunnel, or nothing when that has come to an end. */
async function secureTunnel(
  plane: DataPlane,
  agent: Http1Agent,
  exchange: Exchange,
  { identity, destination, secureContext, protocols, refused }: Admitted,
): Promise<Http1Agent | undefined> {
  const early = agent.reader.detach();
  const handshakeTimeoutMs = plane.limits.handshakeMs;
  const secured = await interceptTls(agent.socket, early, { secureContext, protocols, handshakeTimeoutMs });
  if (secured.kind === 'failed' && secured.reason !== 'not-tls') {
    endUnsecured(plane, exchange, secured, refused);
    return undefined;
  }
  // What is no TLS may be plain HTTP: each request is told whether that is served.
  const isSecure = secured.kind === 'secured';
  const tunnel: Tunnel = {
    identity,
    destination: { ...destination, host: ownText(destination.host) },
    isSecure,
    poolKey: poolKeyOf(identity.agent.id, destination, isSecure),
    rules: undefined,
  };
  const mismatch = isSecure ? compareServerName(secured.serverName, destination) : undefined;
  const { raw, connection, peer } = agent;
  if (isSecure && secured.protocol === 'h2') {
    const wasAsked = await serveHttp2(plane, secured.socket, { connection, peer, tunnel, refused: mismatch });
    if (refused && !wasAsked) exchange.record(refused);
    return undefined;
  }
  const inner = new Http1Agent(plane, isSecure ? secured.socket : agent.socket, { raw, connection, peer, tunnel });
  if (!mismatch) return inner;
  await refuseTunnel(inner, exchange, mismatch, false);
  inner.closeGently();
  return undefined;
}

interface Admitted extends Pick<Tunnel, 'identity' | 'destination'> {
  readonly kind: 'admitted';
  readonly secureContext: SecureContext;
  readonly protocols: readonly Protocol[];
  /** Policy refuses the host, and the agent is to read so inside: each request is refused by the same rules. */
  readonly refused: Refusal | undefined;
}

/** Who is it, where to, and may it talk to that host at all? A certificate is minted only after a yes to each. */
async function admit(
  plane: DataPlane,
  agent: Http1Agent,
  head: RequestHead,
  exchange: Exchange,
): Promise<Admitted | PassThrough | Refusal> {
  const configuration = plane.configuration.current;
  if (!configuration) return refusal('NOT_READY', 'This worker has no configuration yet.');
  if (plane.closing.signal.aborted) return refusal('DRAINING', 'This worker is shutting down.');
  exchange.revision = configuration.revision;
  const destination = connectDestination(head);
  if (destination.kind === 'authority') exchange.destination = destination;
  const identity = await identify(plane, agent.peer, head.headers, configuration, Date.now());
  if (identity.kind === 'refused') return identity;
  exchange.agent = identity.agent;
  if (destination.kind === 'refused') return destination;
  let options: HostOptions | undefined;
  if (destination.host !== internalHost) {
    const rules = configuration.policyOf(identity.agent).rulesFor(destination.host, destination.port);
    const decision = mayReachHost(rules, Date.now());
    exchange.judge(decision);
    if (decision.kind === 'deny') return refuseHost(plane, agent, identity, destination, exchange.deny(decision));
    options = decision.options;
  }
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');
  const noRoom = takeTunnelRoom(plane, agent, identity.agent.id);
  if (noRoom) return noRoom;
  if (options?.tunnel) return { kind: 'pass-through', identity, destination, limits: options.tunnel.limits };
  const protocols = options?.http2 ? http2First : http1First;
  const secureContext = leafFor(plane, identity.agent.id, destination.host);
  return 'kind' in secureContext
    ? secureContext
    : { kind: 'admitted', identity, destination, secureContext, protocols, refused: undefined };
}

/**
 * Most clients hide the answer to a CONNECT from whoever reads their errors, so the agent is let in to read it there. On the
 * one port where clients speak TLS for certain; nothing is dialled, since a host that policy refuses it refuses in every request.
 */
function refuseHost(
  plane: DataPlane,
  agent: Http1Agent,
  identity: Identity,
  destination: Authority,
  refused: Refusal,
): Admitted | Refusal {
  if (destination.port !== 443 || !plane.trail.hasRoom) return refused;
  if (takeTunnelRoom(plane, agent, identity.agent.id)) return refused;
  const secureContext = refusalLeafFor(plane, identity.agent.id, destination.host);
  return secureContext
    ? { kind: 'admitted', identity, destination, secureContext, protocols: http1First, refused }
    : refused;
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

async function refuseTunnel(
  agent: Http1Agent,
  exchange: Exchange,
  refused: Refusal,
  isConnect: boolean,
): Promise<void> {
  await answerRefusal(refused, { exchange, method: '', isConnect, send: (own) => agent.answer(own, '', true) });
}

function endUnsecured(
  plane: DataPlane,
  exchange: Exchange,
  failed: Extract<InterceptResult, { kind: 'failed' }>,
  refusedHost: Refusal | undefined,
): void {
  if (failed.reason === 'closed') {
    if (refusedHost) exchange.record(refusedHost);
    return;
  }
  const { reason, detail } = failed;
  plane.log.info({ requestId: exchange.requestId, reason, detail }, 'an agent did not finish its TLS handshake');
  exchange.record(refusedHost ?? refusal('TLS_HANDSHAKE_FAILED', detail));
}
