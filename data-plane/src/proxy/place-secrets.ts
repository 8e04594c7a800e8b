/** The head of a request as it leaves: what is not to be forwarded taken out, then the secrets put in (rules 5, 6, 7). */
import type { RequestOptions } from '@onecli/shared/domain/covering-rules';
import type { PlacementScope } from '../credentials/placement-scope.ts';
import { placeByRoute } from '../credentials/place-by-route.ts';
import type { Placement } from '../credentials/place-credentials.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { upgradeHeaders } from '../websocket/upgrade.ts';
import type { Header } from '../wire/head.ts';
import { traceContextFields } from '@onecli/shared/telemetry/trace-context';
import { withoutHopByHop } from '../wire/hop-by-hop.ts';
import { type Refusal, refusal } from './answer.ts';
import { type JudgedRequest, judgeAgain } from './judge-request.ts';
import type { ServedRequest } from './served-request.ts';
import type { StrictRequest } from './strict-request.ts';

export interface Placed extends Extract<Placement, { kind: 'placed' }> {
  /** What the rules for the path as it leaves ask for, where a secret made it another one. */
  readonly options?: RequestOptions;
}

/** Where a judged request goes, and what may go with it. */
export function placementScope({ configuration, secrets, request }: JudgedRequest): PlacementScope {
  const { isSecure, destination } = request;
  return { configuration, grants: secrets, isSecure, host: destination.host, port: destination.port };
}

/** Places the secrets of a request's head, or refuses the request whole. */
export function placeSecrets(served: ServedRequest, judged: JudgedRequest, scope: PlacementScope): Placed | Refusal {
  const { plane, exchange } = served;
  const { request, configuration } = judged;
  const headers = forwardedHeaders(served, request, configuration);
  const placement = placeByRoute(headers, request, judged.rules, scope, plane.opener);
  if (placement.kind !== 'placed') return refusePlacement(served, placement);
  if (placement.target.length > plane.limits.maxTargetBytes)
    return refusal('TARGET_TOO_LONG', 'The request target is too long with its secrets in place.');
  if (placement.used.length > 0 && lengthOf(placement.headers) > plane.limits.head.maxHeadBytes)
    return refusal('HEAD_TOO_LARGE', 'The head of the request is too long with its secrets in place.');
  if (!placement.readings) return placement;
  const names = placement.used.map(({ secret }) => secret.name);
  const again = judgeAgain(exchange, judged, placement.readings, names);
  return again.kind === 'refused' ? again : { ...placement, options: again.options };
}

function lengthOf(headers: readonly Header[]): number {
  return headers.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
}

/** Hop-by-hop headers go before credentials come (rule 6), and Host is the one name that was judged (rule 1). */
function forwardedHeaders(
  { plane, agent: { tunnel }, head }: ServedRequest,
  { destination, isSecure, upgrade }: StrictRequest,
  { identities }: Configuration,
): Header[] {
  const defaultPort = isSecure ? 443 : 80;
  const value = destination.port === defaultPort ? destination.host : `${destination.host}:${destination.port}`;
  const headers: Header[] = [{ name: 'host', rawName: 'Host', value }];
  // Outside a tunnel a header may say who the agent is: that is for us alone.
  const isOwn = (name: string): boolean =>
    name === 'host' ||
    (tunnel === undefined && identities.headers.has(name)) ||
    (!plane.isTraceContextForwarded && traceContextFields.has(name));
  for (const header of withoutHopByHop(head.headers)) if (!isOwn(header.name)) headers.push(header);
  return upgrade ? upgradeHeaders(headers, upgrade) : headers;
}

function refusePlacement(
  { plane, exchange }: ServedRequest,
  placement: Exclude<Placement, { kind: 'placed' }>,
): Refusal {
  if (placement.kind === 'unavailable') {
    plane.log.error({ err: placement.cause, requestId: exchange.requestId }, 'a secret could not be opened');
    return refusal('SECRET_UNAVAILABLE', 'A secret that this request needs could not be opened.');
  }
  if (placement.kind === 'excessive') {
    return refusal('HEAD_TOO_LARGE', 'The head of the request holds more placeholders than one may have.');
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
  if (finding.kind === 'SECRET_EXPIRED') {
    return refusal('SECRET_EXPIRED', `The secret that is needed ${where} has expired.`);
  }
  const why = exchange.request?.isSecure
    ? 'stands where its secret is not bound'
    : 'stands where its secret is not bound, or would leave without TLS: use https';
  return refusal('PLACEHOLDER_NOT_BOUND', `The placeholder ${where} ${why}.`);
}
