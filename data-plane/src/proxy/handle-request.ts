/**
 * The story of one request, from its head to its audit event:
 *
 *   identify → strict request → policy → credentials → dial, stream out, stream back → recorded
 *
 * Each step gives its result or a refusal; one immutable configuration holds for all of them. There is one exit, and it
 * records what happened.
 */
import { type Decision, decide, type HostRules } from '@onecli/shared/domain/evaluate-policy';
import type { UsedSecret } from '../credentials/grant-placeholders.ts';
import { placeByRoute } from '../credentials/place-by-route.ts';
import type { Placement } from '../credentials/place-credentials.ts';
import { confirmIdentity, type Identity, identify } from '../identity/identify.ts';
import { limitRequest } from '../policy/limit-request.ts';
import { askedPlainly } from '../scrub/asked-plainly.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import type { Header, RequestHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import { upgradeHeaders } from '../websocket/upgrade.ts';
import { webSocketRequest } from '../websocket/web-socket-request.ts';
import type { AgentStream } from './agent-stream.ts';
import { answerScrub } from './scrub-answer.ts';
import { type Refusal, refusal, refusalAnswer } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import { forward } from './forward.ts';
import { holdBody } from './hold-body.ts';
import { answerInternal, isInternal } from './onecli-internal.ts';
import type { Forwarded } from './outgoing.ts';
import { refusePlainHttp } from './plain-http.ts';
import { RequestBody } from './request-body.ts';
import { type StrictRequest, strictRequest } from './strict-request.ts';
import { poolKeyOf } from './upstream-pool.ts';

/** Serves one request of an agent and records it. Never rejects. */
export async function handleRequest(plane: DataPlane, agent: AgentStream, head: RequestHead): Promise<'served'> {
  const exchange = new Exchange(plane, head, agent.tunnel);
  plane.underway++;
  let ending: Forwarded;
  try {
    ending = await serve(plane, agent, head, exchange);
  } catch (error) {
    plane.log.error({ err: error, requestId: exchange.requestId }, 'a request failed unexpectedly');
    ending = refusal('INTERNAL', 'An unexpected fault.');
  }
  exchange.release();
  if (ending.kind === 'refused') await refuse(plane, agent, head, exchange, ending);
  else if (ending.kind === 'broken') agent.abort();
  exchange.record(ending);
  plane.underway--;
  return 'served';
}

async function serve(plane: DataPlane, agent: AgentStream, head: RequestHead, exchange: Exchange): Promise<Forwarded> {
  const configuration = plane.configuration.current;
  if (!configuration) return refusal('NOT_READY', 'This worker has no configuration yet.');
  exchange.revision = configuration.revision;
  if (!plane.pressure.hasRoomForRequest(plane.underway))
    return refusal('OVERLOADED', 'This worker has no memory left.', { retryAfterSeconds: 5 });

  const asking = whoAsks(plane, agent, head, configuration);
  const identity = asking instanceof Promise ? await asking : asking;
  if (identity.kind === 'refused') return identity;
  exchange.agent = identity.agent;

  const request = strictRequest(agent, head, plane.limits.maxTargetBytes);
  if (request.kind === 'refused') return request;
  exchange.accept(request);
  if (isInternal(request))
    return await answerInternal(plane, agent, head, request, { configuration, agent: identity.agent });

  const rules = hostRules(agent, configuration, identity, request);
  const nowMs = Date.now();
  const decision = decide(rules, request.methods, request.readings, nowMs);
  exchange.judge(decision);
  if (decision.kind === 'deny') return exchange.deny(decision);
  const plain = refusePlainHttp(agent.tunnel, rules, nowMs);
  if (plain) return plain;
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');
  const { limits, maxBodyBytes = plane.limits.maxBodyBytes } = decision.options;
  const limited = limits.length > 0 ? await limitRequest(plane, exchange, limits, identity.agent.id) : undefined;
  if (limited) return limited;

  const { destination, isSecure } = request;
  const { host, port } = destination;
  const scope = { configuration, grants: decision.secrets, isSecure, host, port };
  const asked = forwardedHeaders(agent, head, request, configuration);
  const placement = placeByRoute(asked, request, rules, scope, plane.opener);
  if (placement.kind !== 'placed') return refusePlacement(plane, exchange, placement);
  if (placement.target.length > plane.limits.maxTargetBytes)
    return refusal('TARGET_TOO_LONG', 'The request target is too long with its secrets in place.');
  if (
    placement.readings &&
    !isStillAllowed(exchange, placement, decide(rules, request.methods, placement.readings, nowMs))
  )
    return exchange.deny();

  const maxBytes = Math.min(maxBodyBytes, plane.limits.maxBodyBytes);
  const body = (exchange.body = new RequestBody(agent, request.framing, maxBytes));
  if (body.isTooLong) return refusal('BODY_TOO_LARGE', 'The request body is too long.');
  const holding = holdBody(plane, agent, head, exchange, body, placement.headers, scope);
  const held = holding instanceof Promise ? await holding : holding;
  if (held.kind !== 'held') return held;

  const scrub = answerScrub(plane.opener, allUsed(placement.used, held.used), exchange.findings);
  const headers = scrub ? askedPlainly(placement.headers) : placement.headers;
  exchange.decided();
  return await forward(plane, agent, {
    poolKey: agent.tunnel?.poolKey ?? poolKeyOf(identity.agent.id, destination, isSecure),
    destination: { host, port, isSecure },
    method: head.method,
    target: placement.target,
    headers: held.isContinued ? headers.filter(({ name }) => name !== 'expect') : headers,
    body,
    scrub,
    isKeptAlive: head.minor === 1 && !plane.isDraining && !isCloseAsked(head.headers),
    onLeaving: () => exchange.leaving(placement, held),
    webSocket:
      request.upgrade &&
      webSocketRequest(plane, exchange, request.upgrade, scope, placement.used, (now) =>
        grantsNow(agent, identity, request, placement.readings ?? request.readings, now),
      ),
  });
}

/** The tunnel's agent, if it is still one; outside a tunnel each request says who it is from. */
function whoAsks(
  plane: DataPlane,
  { tunnel, peer }: AgentStream,
  head: RequestHead,
  configuration: Configuration,
): Identity | Refusal | Promise<Identity | Refusal> {
  if (!tunnel) return identify(plane, peer, head.headers, configuration, Date.now());
  const identity = confirmIdentity(tunnel.identity, configuration, Date.now());
  if (identity.kind === 'identity') tunnel.identity = identity;
  return identity;
}

/** Hop-by-hop headers go before credentials come (rule 6), and Host is the one name that was judged (rule 1). */
function forwardedHeaders(
  { tunnel }: AgentStream,
  head: RequestHead,
  { destination, isSecure, upgrade }: StrictRequest,
  { identities }: Configuration,
): Header[] {
  const defaultPort = isSecure ? 443 : 80;
  const value = destination.port === defaultPort ? destination.host : `${destination.host}:${destination.port}`;
  const headers: Header[] = [{ name: 'host', rawName: 'Host', value }];
  // Outside a tunnel a header may say who the agent is: that is for us alone.
  const isOwn = (name: string): boolean => name === 'host' || (tunnel === undefined && identities.headers.has(name));
  for (const header of withoutHopByHop(head.headers)) if (!isOwn(header.name)) headers.push(header);
  return upgrade ? upgradeHeaders(headers, upgrade) : headers;
}

/** Each version once. */
function allUsed(inHead: readonly UsedSecret[], inBody: readonly UsedSecret[]): readonly UsedSecret[] {
  if (inBody.length === 0) return inHead;
  return [...inHead, ...inBody.filter(({ version }) => !inHead.some((known) => known.version === version))];
}

/** A path that a secret went into is another one: policy judges what is forwarded (rule 4), and grants the secrets there. */
function isStillAllowed(
  exchange: Exchange,
  { used }: Extract<Placement, { kind: 'placed' }>,
  decision: Decision,
): boolean {
  if (decision.kind === 'deny') exchange.judge(decision);
  return decision.kind === 'allow' && used.every(({ secret }) => decision.secrets.has(secret.name));
}

/** The rules for the destination, compiled once for a tunnel and a configuration. */
function hostRules(
  agent: AgentStream,
  configuration: Configuration,
  identity: Identity,
  request: StrictRequest,
): HostRules {
  const known = agent.tunnel?.rules;
  if (known && known.configuration === configuration && known.identity.agent === identity.agent) return known.hostRules;
  const rules = configuration.policyOf(identity.agent).rulesFor(request.destination.host, request.destination.port);
  if (agent.tunnel) agent.tunnel.rules = { configuration, identity, hostRules: rules };
  return rules;
}

/** What a request would be granted now; undefined: it would be refused. */
function grantsNow(
  agent: AgentStream,
  known: Identity,
  request: StrictRequest,
  readings: readonly string[],
  configuration: Configuration,
): ReadonlySet<string> | undefined {
  const identity = confirmIdentity(known, configuration, Date.now());
  if (identity.kind === 'refused') return undefined;
  const rules = hostRules(agent, configuration, identity, request);
  const decision = decide(rules, request.methods, readings, Date.now());
  return decision.kind === 'allow' ? decision.secrets : undefined;
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
    : 'stands where its secret is not bound, or would leave without TLS: use https';
  return refusal('PLACEHOLDER_NOT_BOUND', `The placeholder ${where} ${why}.`);
}

/** Answers a refusal. The connection goes on when the next request's start is certain: the whole request was read. */
async function refuse(
  plane: DataPlane,
  agent: AgentStream,
  head: RequestHead,
  exchange: Exchange,
  refused: Refusal,
): Promise<void> {
  const isRead = exchange.request !== undefined && (exchange.body?.isRead ?? exchange.request.framing.kind === 'none');
  const isLast = head.minor === 0 || plane.isDraining || isCloseAsked(head.headers);
  const isClosing = !isRead || isLast || refused.code === 'PROXY_AUTH_INVALID' || refused.code === 'REQUEST_TIMEOUT';
  exchange.answerBytes = await agent.answer(refusalAnswer(refused, exchange.requestId), head.method, isClosing);
}
