/**
 * The story of one request, from its head to its audit event:
 *
 *   identify → strict request → policy → credentials → dial, stream out, stream back → recorded
 *
 * Each step gives its result or a refusal; one immutable configuration holds for all of them. There is one exit, and it
 * records what happened.
 */
import { decide, type HostRules } from '@onecli/shared/domain/evaluate-policy';
import { type Placement, placeCredentials } from '../credentials/place-credentials.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { type Header, headerValue, type RequestHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import type { AgentSide } from './agent-side.ts';
import { answerRefusal, type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { type Forwarded, forward } from './forward.ts';
import { confirmIdentity, type Identity, identify } from './identify.ts';
import { RequestBody } from './request-body.ts';
import { type StrictRequest, strictRequest } from './strict-request.ts';

/** What the connection is good for afterwards. */
export type Next = 'keep-alive' | 'close';

/** Serves one request of an agent and records it. Never rejects. */
export async function handleRequest(plane: DataPlane, side: AgentSide, head: RequestHead): Promise<Next> {
  const exchange = new Exchange(plane, head, side.tunnel);
  let ending: Forwarded;
  try {
    ending = await serve(plane, side, head, exchange);
  } catch (error) {
    plane.log.error({ err: error, requestId: exchange.requestId }, 'a request failed unexpectedly');
    ending = refusal('INTERNAL', 'An unexpected fault.');
  }
  const next = ending.kind === 'refused' ? refuse(side, head, exchange, ending) : leave(side, ending);
  exchange.record(ending);
  return next;
}

async function serve(plane: DataPlane, side: AgentSide, head: RequestHead, exchange: Exchange): Promise<Forwarded> {
  const configuration = plane.configuration.current;
  if (!configuration) return refusal('NOT_READY', 'This worker has no configuration yet.');
  exchange.revision = configuration.revision;

  const identity = side.tunnel
    ? confirmIdentity(side.tunnel.identity, configuration, Date.now())
    : identify(head.headers, configuration, plane.tokenPepper, Date.now());
  if (identity.kind === 'refused') return identity;
  exchange.agent = identity.agent;

  const request = strictRequest(side, head);
  if (request.kind === 'refused') return request;
  exchange.request = request;
  exchange.destination = request.destination;

  const decision = decide(hostRules(side, configuration, identity, request), head.method, request.readings);
  exchange.rule = decision.rule;
  if (decision.kind === 'deny') return exchange.deny();
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');

  const scope = { configuration, grants: decision.secrets, isSecure: request.isSecure, ...request.destination };
  const placement = placeCredentials(forwardedHeaders(head, request), request.target, scope, plane.opener);
  if (placement.kind !== 'placed') return refusePlacement(plane, exchange, placement);

  const body = (exchange.body = new RequestBody(side, request.framing));
  const held =
    headerValue(head.headers, 'expect') === undefined ? await body.hold(plane.limits.heldBodyBytes) : undefined;
  if (held?.kind === 'refused') return held;
  if (held?.kind === 'lost') return { kind: 'broken', code: 'AGENT_GONE', status: 0, responseBytes: 0 };

  exchange.forwarding(placement);
  return forward(plane, side, {
    agentId: identity.agent.id,
    destination: { ...request.destination, isSecure: request.isSecure },
    method: head.method,
    minor: head.minor,
    target: request.target,
    headers: placement.headers,
    body,
    isKeptAlive: isKeptAlive(plane, head),
  });
}

/** Hop-by-hop headers go before credentials come (rule 6), and Host is the one name that was judged (rule 1). */
function forwardedHeaders(head: RequestHead, { destination, isSecure }: StrictRequest): Header[] {
  const defaultPort = isSecure ? 443 : 80;
  const value = destination.port === defaultPort ? destination.host : `${destination.host}:${destination.port}`;
  const others = withoutHopByHop(head.headers).filter(({ name }) => name !== 'host');
  return [{ name: 'host', rawName: 'Host', value }, ...others];
}

/** The rules for the destination, compiled once for a tunnel and a configuration. */
function hostRules(
  side: AgentSide,
  configuration: Configuration,
  identity: Identity,
  request: StrictRequest,
): HostRules {
  const { host, port } = request.destination;
  const known = side.tunnel?.rules;
  if (known && known.configuration === configuration && known.identity.agent === identity.agent) return known.hostRules;
  const rules = configuration.policyOf(identity.agent).rulesFor(host, port);
  if (side.tunnel) side.tunnel.rules = { configuration, identity, hostRules: rules };
  return rules;
}

function refusePlacement(
  plane: DataPlane,
  exchange: Exchange,
  placement: Exclude<Placement, { kind: 'placed' }>,
): Refusal {
  if (placement.kind === 'unavailable') {
    plane.log.error({ err: placement.cause, requestId: exchange.requestId }, 'a secret could not be opened');
    return refusal('SECRET_UNAVAILABLE', 'A secret that this request needs could not be opened.');
  }
  if (placement.kind === 'ambiguous') {
    return refusal('BAD_REQUEST', `The header ${placement.header} holds a placeholder and is there more than once.`);
  }
  const { finding } = placement;
  exchange.findings.push(finding);
  const where = finding.place === 'target' ? 'in the request target' : `in the header ${finding.place}`;
  return finding.kind === 'PLACEHOLDER_NOT_GRANTED'
    ? refusal('PLACEHOLDER_NOT_GRANTED', `The placeholder ${where} is not granted to this agent here.`)
    : refusal('PLACEHOLDER_NOT_BOUND', `The placeholder ${where} stands where its secret is not bound.`);
}

function isKeptAlive(plane: DataPlane, head: RequestHead): boolean {
  return head.minor === 1 && !plane.isDraining && !isCloseAsked(head.headers);
}

/** Answers a refusal. The connection goes on when the next request's start is certain: the whole request was read. */
function refuse(side: AgentSide, head: RequestHead, exchange: Exchange, refused: Refusal): Next {
  const isWhole = exchange.request !== undefined && (exchange.body?.isDone ?? exchange.request.framing.kind === 'none');
  const isClosing = !isWhole || refused.code === 'PROXY_AUTH_INVALID' || head.minor === 0;
  const { bytes, bodyBytes } = answerRefusal(refused, {
    requestId: exchange.requestId,
    isClosing,
    method: head.method,
  });
  exchange.answerBytes = bodyBytes;
  if (!side.socket.destroyed) side.socket.write(bytes);
  return isClosing ? 'close' : 'keep-alive';
}

function leave(side: AgentSide, ending: Exclude<Forwarded, Refusal>): Next {
  if (ending.kind === 'answered') return ending.isReusable ? 'keep-alive' : 'close';
  side.socket.destroy();
  return 'close';
}
