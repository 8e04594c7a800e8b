/**
 * The story of one request, from its head to its audit event:
 *
 *   identify → strict request → policy → credentials → dial, stream out, stream back → recorded
 *
 * Each step gives its result or a refusal; one immutable configuration holds for all of them. There is one exit, and it
 * records what happened.
 */
import { type Decision, decide, type HostRules } from '@onecli/shared/domain/evaluate-policy';
import { type Placement, placeCredentials } from '../credentials/place-credentials.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { type Header, headerValue, type RequestHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import { type AgentSide, abort, writeToAgent } from './agent-side.ts';
import { answerRefusal, type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import { confirmIdentity, type Identity, identify } from './identify.ts';
import type { Forwarded } from './outgoing.ts';
import { RequestBody } from './request-body.ts';
import { type StrictRequest, strictRequest } from './strict-request.ts';
import { poolKeyOf } from './upstream-pool.ts';

/** What the connection is good for afterwards. */
export type Next = 'keep-alive' | 'close';

/** Serves one request of an agent and records it. Never rejects. */
export async function handleRequest(plane: DataPlane, side: AgentSide, head: RequestHead): Promise<Next> {
  const exchange = new Exchange(plane, head, side.tunnel);
  plane.underway++;
  let ending: Forwarded;
  try {
    ending = await serve(plane, side, head, exchange);
  } catch (error) {
    plane.log.error({ err: error, requestId: exchange.requestId }, 'a request failed unexpectedly');
    ending = refusal('INTERNAL', 'An unexpected fault.');
  }
  const next = ending.kind === 'refused' ? await refuse(plane, side, head, exchange, ending) : leave(side, ending);
  exchange.record(ending);
  plane.underway--;
  return next;
}

async function serve(plane: DataPlane, side: AgentSide, head: RequestHead, exchange: Exchange): Promise<Forwarded> {
  const configuration = plane.configuration.current;
  if (!configuration) return refusal('NOT_READY', 'This worker has no configuration yet.');
  exchange.revision = configuration.revision;

  const identity = whoAsks(plane, side, head, configuration);
  if (identity.kind === 'refused') return identity;
  exchange.agent = identity.agent;

  const request = strictRequest(side, head, plane.limits.maxTargetBytes);
  if (request.kind === 'refused') return request;
  exchange.accept(request);

  const decision = decideAll(hostRules(side, configuration, identity, request), request);
  exchange.rule = decision.rule;
  if (decision.kind === 'deny') return exchange.deny();
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');

  const { destination, isSecure } = request;
  const { host, port } = destination;
  const scope = { configuration, grants: decision.secrets, isSecure, host, port };
  const placement = placeCredentials(forwardedHeaders(head, request), request.target, scope, plane.opener);
  if (placement.kind !== 'placed') return refusePlacement(plane, exchange, placement);

  const body = (exchange.body = new RequestBody(side, request.framing));
  const held = body.isHoldable(plane.limits.heldBodyBytes) ? await holdBody(plane, side, head, body) : notHeld;
  if (held.kind !== 'payload') return held;

  exchange.decided();
  return await forward(plane, side, {
    poolKey: side.tunnel?.poolKey ?? poolKeyOf(identity.agent.id, destination, isSecure),
    destination: { host, port, isSecure },
    method: head.method,
    minor: head.minor,
    target: request.target,
    headers: held.isContinued ? placement.headers.filter(({ name }) => name !== 'expect') : placement.headers,
    body,
    isKeptAlive: head.minor === 1 && !plane.isDraining && !isCloseAsked(head.headers),
    onLeaving: () => exchange.leaving(placement),
  });
}

/** The tunnel's agent, if it is still one; outside a tunnel each request says who it is from. */
function whoAsks(
  plane: DataPlane,
  side: AgentSide,
  head: RequestHead,
  configuration: Configuration,
): Identity | Refusal {
  return side.tunnel
    ? confirmIdentity(side.tunnel.identity, configuration, Date.now())
    : identify(head.headers, configuration, plane.tokenPepper, Date.now());
}

/** Hop-by-hop headers go before credentials come (rule 6), and Host is the one name that was judged (rule 1). */
function forwardedHeaders(head: RequestHead, { destination, isSecure }: StrictRequest): Header[] {
  const defaultPort = isSecure ? 443 : 80;
  const value = destination.port === defaultPort ? destination.host : `${destination.host}:${destination.port}`;
  const headers: Header[] = [{ name: 'host', rawName: 'Host', value }];
  for (const header of withoutHopByHop(head.headers)) if (header.name !== 'host') headers.push(header);
  return headers;
}

/** Every method that an upstream may take the request for has to be allowed; what is granted is what all grant. */
function decideAll(rules: HostRules, { methods, readings }: StrictRequest): Decision {
  const [method = ''] = methods;
  let decision = decide(rules, method, readings);
  for (const override of methods.slice(1)) {
    const other = decide(rules, override, readings);
    if (other.kind === 'deny' || decision.kind === 'deny') return other.kind === 'deny' ? other : decision;
    decision = { ...decision, secrets: new Set([...decision.secrets].filter((name) => other.secrets.has(name))) };
  }
  return decision;
}
/** The rules for the destination, compiled once for a tunnel and a configuration. */
function hostRules(
  side: AgentSide,
  configuration: Configuration,
  identity: Identity,
  request: StrictRequest,
): HostRules {
  const known = side.tunnel?.rules;
  if (known && known.configuration === configuration && known.identity.agent === identity.agent) return known.hostRules;
  const rules = configuration.policyOf(identity.agent).rulesFor(request.destination.host, request.destination.port);
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
  if (finding.kind === 'PLACEHOLDER_NOT_GRANTED') {
    return refusal('PLACEHOLDER_NOT_GRANTED', `The placeholder ${where} is not granted to this agent here.`);
  }
  const why = exchange.request?.isSecure
    ? 'stands where its secret is not bound'
    : 'would leave without TLS: use https';
  return refusal('PLACEHOLDER_NOT_BOUND', `The placeholder ${where} ${why}.`);
}

type Held = { readonly kind: 'payload'; readonly isContinued: boolean } | Exclude<Forwarded, { kind: 'answered' }>;

/**
 * A small body is looked at whole before anything of the request leaves. An agent that waits to be asked for it
 * (`Expect: 100-continue`) is asked by us, and its upstream need not be.
 */
async function holdBody(plane: DataPlane, side: AgentSide, head: RequestHead, body: RequestBody): Promise<Held> {
  const isContinued = head.minor === 1 && headerValue(head.headers, 'expect')?.toLowerCase() === '100-continue';
  if (isContinued) await writeToAgent(plane, side, [continueBytes]);
  const held = await body.hold(plane.limits.bodyIdleMs);
  if (held.kind === 'refused') return held;
  if (held.kind === 'payload') return { kind: 'payload', isContinued };
  return side.socket.writable
    ? refusal('REQUEST_TIMEOUT', 'The request body did not arrive in time.')
    : { kind: 'broken', code: 'AGENT_GONE', status: 0, responseBytes: 0 };
}

const notHeld: Held = { kind: 'payload', isContinued: false };
const continueBytes = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

/** Leaves the connection as the ending asks: good for another request, to be closed, or cut now. */
function leave(side: AgentSide, ending: Exclude<Forwarded, Refusal>): Next {
  if (ending.kind === 'answered') return ending.isReusable ? 'keep-alive' : 'close';
  abort(side);
  return 'close';
}

/** Answers a refusal. The connection goes on when the next request's start is certain: the whole request was read. */
async function refuse(
  plane: DataPlane,
  side: AgentSide,
  head: RequestHead,
  exchange: Exchange,
  refused: Refusal,
): Promise<Next> {
  const isRead = exchange.request !== undefined && (exchange.body?.isRead ?? exchange.request.framing.kind === 'none');
  const isLast = head.minor === 0 || plane.isDraining || isCloseAsked(head.headers);
  const isClosing = !isRead || isLast || refused.code === 'PROXY_AUTH_INVALID' || refused.code === 'REQUEST_TIMEOUT';
  const options = { requestId: exchange.requestId, isClosing, method: head.method };
  const { bytes, bodyBytes } = answerRefusal(refused, options);
  exchange.answerBytes = bodyBytes;
  const isSent = await writeToAgent(plane, side, [bytes]);
  return isClosing || !isSent ? 'close' : 'keep-alive';
}
