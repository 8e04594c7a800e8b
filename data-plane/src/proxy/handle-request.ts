/**
 * The story of one request, from its head to its audit event:
 *
 *   identify → strict request → policy → credentials → dial, stream out, stream back → recorded
 *
 * Each step gives its result or a refusal; one immutable configuration holds for all of them. There is one exit, and it
 * records what happened.
 */
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from '../credentials/placement-scope.ts';
import { confirmIdentity, type Identity, identify } from '../identity/identify.ts';
import { limitRequest } from '../policy/limit-request.ts';
import { AnswerScrub } from '../scrub/answer-scrub.ts';
import { askedPlainly } from '../scrub/asked-plainly.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import type { RequestHead } from '../wire/head.ts';
import { isCloseAsked } from '../wire/hop-by-hop.ts';
import { writeRequestHead } from '../wire/write-head.ts';
import { webSocketRequest } from '../websocket/web-socket-request.ts';
import type { AgentStream } from './agent-stream.ts';
import { wantedSecrets } from './scrub-answer.ts';
import { type OwnAnswer, type Refusal, refusal } from './answer.ts';
import { answerRefusal } from './answer-refusal.ts';
import type { DataPlane } from './data-plane.ts';
import { RequestDeparture } from './departure.ts';
import { Exchange } from './exchange.ts';
import { labelsOf } from './labels-of.ts';
import { forward } from './forward.ts';
import { type Held, holdBody } from './hold-body.ts';
import { grantsNow, type JudgedRequest, judgeRequest } from './judge-request.ts';
import type { Withdrawal } from './underway.ts';
import { type KnownRequest, keepKnown, knownRequest } from './known-request.ts';
import { answerInternal, isInternal } from './onecli-internal.ts';
import type { Forwarded, Outgoing } from './outgoing.ts';
import { type Placed, placeSecrets, placementScope } from './place-secrets.ts';
import { refuseWithdrawn } from './refuse-withdrawn.ts';
import { RequestBody } from './request-body.ts';
import type { ServedRequest } from './served-request.ts';
import { strictRequest } from './strict-request.ts';
import { poolKeyOf } from './upstream-pool.ts';

/** Serves one request of an agent and records it. Never rejects. */
export async function handleRequest(plane: DataPlane, agent: AgentStream, head: RequestHead): Promise<'served'> {
  const exchange = new Exchange(plane, head, agent.tunnel);
  const served: ServedRequest = { plane, agent, head, exchange };
  plane.underway++;
  const { answersBegun } = agent;
  let ending: Forwarded;
  try {
    const preparing = prepare(served);
    const prepared = preparing instanceof Promise ? await preparing : preparing;
    ending = 'kind' in prepared ? prepared : await forward(plane, agent, prepared);
  } catch (error) {
    plane.log.error({ err: error, requestId: exchange.requestId }, 'a request failed unexpectedly');
    // In an answer that was begun another one would be taken for its payload.
    ending =
      agent.answersBegun === answersBegun
        ? refusal('INTERNAL', 'An unexpected fault.')
        : { kind: 'broken', code: 'INTERNAL', status: 0, responseBytes: 0 };
  }
  agent.underway = undefined;
  exchange.release();
  if (agent.withdrawn) ending = withdrawnEnding(ending, agent.withdrawn);
  if (ending.kind === 'broken') agent.abort();
  if (ending.kind === 'refused') await refuse(served, ending);
  else exchange.record(ending);
  plane.underway--;
  return 'served';
}

/** The request as it leaves, or how it ended before. A step that has its result at hand waits for nothing. */
type Prepared = Outgoing | Forwarded;

/** Who asks? */
function prepare(served: ServedRequest): Prepared | Promise<Prepared> {
  const { plane, exchange } = served;
  const configuration = plane.configuration.current;
  if (!configuration) return refusal('NOT_READY', 'This worker has no configuration yet.');
  exchange.revision = configuration.revision;
  if (!plane.pressure.hasRoomForRequest(plane.underway))
    return refusal('OVERLOADED', 'This worker has no memory left.', { retryAfterSeconds: 5 });
  return after(whoAsks(served, configuration), (identity) =>
    identity.kind === 'refused' ? identity : judge(served, configuration, identity),
  );
}

/** What for, and may it? */
function judge(served: ServedRequest, configuration: Configuration, identity: Identity): Prepared | Promise<Prepared> {
  const { plane, agent, head, exchange } = served;
  exchange.agent = identity.agent;
  const known = knownRequest(head, configuration, identity.agent);
  const request = known?.request ?? strictRequest(agent, head, plane.limits.maxTargetBytes);
  if (request.kind === 'refused') return request;
  exchange.accept(request);
  if (isInternal(request)) return answerInternal(served, request, { configuration, agent: identity.agent });
  const judged = judgeRequest(served, { configuration, identity, request }, known);
  if (judged.kind === 'refused') return judged;
  agent.underway = { identity, request, readings: request.readings };
  const { limits } = judged.options;
  const limiting = limits.length > 0 ? limitRequest(plane, exchange, limits, identity.agent.id) : undefined;
  return after(limiting, (limited) => limited ?? place(served, judged, known));
}

/** With which credentials? */
function place(
  served: ServedRequest,
  judged: JudgedRequest,
  knownForAgent: KnownRequest | undefined,
): Prepared | Promise<Prepared> {
  const { plane, agent, exchange } = served;
  const { request, secrets, options } = judged;
  const known = knownForAgent?.grants === secrets ? knownForAgent : undefined;
  const scope = placementScope(judged);
  const placed = known?.placed ?? placeSecrets(served, judged, scope);
  if (placed.kind === 'refused') return placed;
  if (placed.readings) agent.underway = { identity: judged.identity, request, readings: placed.readings };
  const more = placed.options?.limits.filter((limit) => !options.limits.includes(limit)) ?? [];
  const limiting = more.length > 0 ? limitRequest(plane, exchange, more, judged.identity.agent.id) : undefined;
  return after(limiting, (limited) => limited ?? takeBody(served, { judged, scope, placed, known }));
}

/** With what body? It keeps to the bounds of the path that was asked for, and of the one that leaves. */
function takeBody(served: ServedRequest, ready: Omit<Ready, 'body' | 'held'>): Prepared | Promise<Prepared> {
  const { plane, agent, exchange } = served;
  const { judged, scope, placed } = ready;
  const { request, options } = judged;
  const bounds = [options.maxBodyBytes, placed.options?.maxBodyBytes].filter((bytes) => bytes !== undefined);
  const maxBytes = Math.min(plane.limits.maxBodyBytes, ...bounds);
  const body = (exchange.body = new RequestBody(agent, request.framing, maxBytes));
  if (body.isTooLong) return refusal('BODY_TOO_LARGE', 'The request body is too long.');
  return after(holdBody(served, body, placed.headers, scope), (held) => {
    if (held.kind !== 'held') return held;
    const used = allUsed(placed.used, held.used);
    const readings = placed.readings ?? request.readings;
    const refused = body.isEmpty ? undefined : refuseWithdrawn(served, judged, readings, used);
    if (refused) return refused;
    exchange.decided();
    return outgoingOf(served, { ...ready, body, held });
  });
}

/** Goes on at once with what is there: a promise for each step of each request would cost more than the steps. */
function after<Value, Next>(value: Value | Promise<Value>, next: (value: Value) => Next): Next | Promise<Awaited<Next>>;
function after<Value, Next>(value: Value | Promise<Value>, next: (value: Value) => Next): Next | Promise<unknown> {
  return value instanceof Promise ? value.then(next) : next(value);
}

interface Ready {
  readonly judged: JudgedRequest;
  readonly scope: PlacementScope;
  readonly placed: Placed;
  readonly body: RequestBody;
  readonly held: Held;
  readonly known: KnownRequest | undefined;
}

/** The request as it leaves, and what is to become of its answer. */
function outgoingOf(served: ServedRequest, ready: Ready): Outgoing {
  const { plane, agent, head, exchange } = served;
  const { judged, scope, placed, body, held } = ready;
  const { request, identity } = judged;
  const { destination, isSecure, upgrade } = request;
  const underway = { identity, request, readings: placed.readings ?? request.readings };
  const used = allUsed(placed.used, held.used);
  const { wanted, headers, bytes, labels } = ready.known ?? writeOut(served, ready, used);
  return {
    poolKey: agent.tunnel?.poolKey ?? poolKeyOf(identity.agent.id, destination, isSecure),
    destination: { host: destination.host, port: destination.port, isSecure },
    method: head.method,
    target: placed.target,
    headers,
    bytes,
    body,
    scrub: wanted && new AnswerScrub(wanted, exchange.findings),
    isKeptAlive: head.minor === 1 && !plane.isDraining && !isCloseAsked(head.headers),
    departure: new RequestDeparture(served, ready, used, labels),
    webSocket:
      upgrade &&
      webSocketRequest(plane, exchange, upgrade, scope, placed.used, (now) => grantsNow(agent, underway, now)),
  };
}

/** What a request says as it leaves and what is looked for in its answer; kept when its head came before and says it all. */
function writeOut(
  { plane, head }: ServedRequest,
  { judged, placed, body, held }: Ready,
  used: readonly UsedSecret[],
): Pick<Outgoing, 'headers' | 'bytes'> & Pick<KnownRequest, 'wanted' | 'labels'> {
  const { request, secrets, rules, decision, configuration, identity } = judged;
  const wanted = wantedSecrets(plane.opener, used);
  const labels = labelsOf(used);
  const plain = wanted ? askedPlainly(placed.headers) : placed.headers;
  const headers = held.isContinued ? plain.filter(({ name }) => name !== 'expect') : plain;
  if (body.isEmpty && !request.upgrade && !placed.readings) {
    keepKnown(head, configuration, () => {
      const text = writeRequestHead(head.method, placed.target, headers, body.framing);
      const bytes = Buffer.from(text, 'latin1');
      const given = { agent: identity.agent, grants: secrets, rules, decision, request };
      return { ...given, placed, wanted, labels, headers, bytes };
    });
  }
  return { wanted, labels, headers, bytes: undefined };
}

/** What was cut off because it is not allowed any more did not fail for another reason. */
function withdrawnEnding(ending: Forwarded, code: Withdrawal): Forwarded {
  if (ending.kind === 'broken') return { ...ending, code };
  return ending.kind === 'refused' ? { kind: 'broken', code, status: 0, responseBytes: 0 } : ending;
}

/** The tunnel's agent, if it is still one; outside a tunnel each request says who it is from. */
function whoAsks(
  { plane, agent: { tunnel, peer }, head }: ServedRequest,
  configuration: Configuration,
): Identity | Refusal | Promise<Identity | Refusal> {
  if (!tunnel) return identify(plane, peer, head.headers, configuration, Date.now());
  const identity = confirmIdentity(tunnel.identity, configuration, Date.now());
  if (identity.kind === 'identity') tunnel.identity = identity;
  return identity;
}

/** Each version once. */
function allUsed(inHead: readonly UsedSecret[], inBody: readonly UsedSecret[]): readonly UsedSecret[] {
  if (inBody.length === 0) return inHead;
  return [...inHead, ...inBody.filter(({ version }) => !inHead.some((known) => known.version === version))];
}

/** Records a refusal and answers it. The connection goes on when the next request's start is certain: the whole request was read. */
async function refuse({ plane, agent, head, exchange }: ServedRequest, refused: Refusal): Promise<void> {
  const { method } = head;
  const send = (own: OwnAnswer): Promise<number> => agent.answer(own, method, isClosing());
  try {
    await answerRefusal(refused, { exchange, method, isByHead: agent.isRefusedByHead, send });
  } catch (error) {
    plane.log.error({ err: error, requestId: exchange.requestId }, 'a refusal could not be sent');
    agent.abort();
  }

  function isClosing(): boolean {
    const { request, body } = exchange;
    const isRead = request !== undefined && (body?.isRead ?? request.framing.kind === 'none');
    const isLast = head.minor === 0 || plane.isDraining || isCloseAsked(head.headers);
    return !isRead || isLast || refused.code === 'PROXY_AUTH_INVALID' || refused.code === 'REQUEST_TIMEOUT';
  }
}
