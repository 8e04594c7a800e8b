/** CONNECT: identity and host are settled here, once for the tunnel (rules 1, 2); then TLS is ours, and requests follow. */
import { mayReachHost } from '@onecli/shared/domain/evaluate-policy';
import type { SecureContext } from 'node:tls';
import { type InterceptResult, interceptTls } from '../tls/intercept-tls.ts';
import { requestFraming } from '../wire/frame-body.ts';
import { headerValues, type RequestHead } from '../wire/head.ts';
import { type Authority, parseAuthority } from '../wire/parse-authority.ts';
import type { Tunnel } from './agent-stream.ts';
import { type Refusal, refusal, refusalAnswer } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { handleRequest } from './handle-request.ts';
import { Http1Agent } from './http1-agent.ts';
import { type Identity, identify } from './identify.ts';
import { type Served, serveConnection } from './serve-connection.ts';
import { poolKeyOf } from './upstream-pool.ts';

const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');

/** Answers a CONNECT and serves the tunnel. A refusal carries its code in the reason phrase: clients show only that. */
export async function openTunnel(plane: DataPlane, agent: Http1Agent, head: RequestHead): Promise<Served> {
  const exchange = new Exchange(plane, head);
  const tunnel = admit(plane, head, exchange);
  if (tunnel.kind === 'refused') {
    await refuseTunnel(agent, exchange, tunnel, true);
    agent.closeGently();
    return 'taken';
  }
  agent.socket.write(established);
  agent.deadline.clear();
  const early = agent.reader.detach();
  const handshakeTimeoutMs = plane.limits.handshakeMs;
  const secured = await interceptTls(agent.socket, early, { secureContext: tunnel.secureContext, handshakeTimeoutMs });
  if (secured.kind === 'failed') return endUnsecured(plane, agent, exchange, secured);
  const { identity, destination } = tunnel;
  const inner = new Http1Agent(plane, secured.socket, agent.socket, {
    identity,
    destination,
    poolKey: poolKeyOf(identity.agent.id, destination, true),
    rules: undefined,
  });
  const mismatch = compareServerName(secured.serverName, destination);
  if (mismatch) {
    await refuseTunnel(inner, exchange, mismatch, false);
    inner.closeGently();
    return 'taken';
  }
  await serveConnection(plane, inner, (innerHead) => handleRequest(plane, inner, innerHead));
  return 'taken';
}

interface Admitted extends Pick<Tunnel, 'identity' | 'destination'> {
  readonly kind: 'admitted';
  readonly secureContext: SecureContext;
}

/** Who is it, where to, and may it talk to that host at all? A certificate is minted only after a yes to each. */
function admit(plane: DataPlane, head: RequestHead, exchange: Exchange): Admitted | Refusal {
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
  const decision = mayReachHost(rules, Date.now());
  exchange.judge(decision);
  if (decision.kind === 'deny') return exchange.deny();
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');
  const secureContext = leafFor(plane, destination.host);
  return secureContext
    ? { kind: 'admitted', identity, destination, secureContext }
    : refusal('NOT_READY', 'This worker has no certificate authority that can issue now.');
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

/** The certificate of a host, minted now if need be; undefined when the authority is not there or has expired. */
function leafFor(plane: DataPlane, host: string): SecureContext | undefined {
  try {
    return plane.authority.leaves?.secureContextFor(host.replace(/^\[|\]$/g, ''));
  } catch (error) {
    plane.log.error({ err: error }, 'a certificate could not be minted');
    return undefined;
  }
}

async function refuseTunnel(
  agent: Http1Agent,
  exchange: Exchange,
  refused: Refusal,
  isConnect: boolean,
): Promise<void> {
  exchange.answerBytes = await agent.answer(refusalAnswer(refused, exchange.requestId, isConnect), '', true);
  exchange.record(refused);
}

async function endUnsecured(
  plane: DataPlane,
  agent: Http1Agent,
  exchange: Exchange,
  failed: Extract<InterceptResult, { kind: 'failed' }>,
): Promise<Served> {
  if (failed.reason === 'not-tls') {
    const plain = new Http1Agent(plane, agent.socket, agent.socket, undefined);
    const refused = refusal(
      'BAD_REQUEST',
      'Only TLS may go through CONNECT; for http:// send the absolute URL to the proxy.',
    );
    await refuseTunnel(plain, exchange, refused, false);
    plain.closeGently();
    return 'taken';
  }
  if (failed.reason === 'closed') return 'taken';
  const { reason, detail } = failed;
  plane.log.info({ requestId: exchange.requestId, reason, detail }, 'an agent did not finish its TLS handshake');
  exchange.record(refusal('TLS_HANDSHAKE_FAILED', detail));
  return 'taken';
}
