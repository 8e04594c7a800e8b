/** A request as it is judged and forwarded: one destination, one target, one framing (rules 1, 3, 4). */
import type { Framing } from '../wire/frame-body.ts';
import { type RequestHead, singleHost } from '../wire/head.ts';
import { type Authority, parseAuthority } from '@onecli/shared/wire/parse-authority';
import { parseAbsoluteTarget, parseTarget } from '@onecli/shared/wire/parse-target';
import { readUpgrade, type WebSocketUpgrade } from '../websocket/upgrade.ts';
import type { AgentStream } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';

export interface StrictRequest {
  readonly kind: 'request';
  readonly destination: Authority;
  readonly isSecure: boolean;
  /** The method, and those by which an override header asks upstreams to take it; policy judges them all. */
  readonly methods: readonly string[];
  /** What is forwarded, byte for byte. */
  readonly target: string;
  readonly path: string;
  /** Every way in which an upstream may read the path; policy judges them all. */
  readonly readings: readonly string[];
  readonly framing: Framing;
  /** Set when it asks for a WebSocket. */
  readonly upgrade: WebSocketUpgrade | undefined;
}

/**
 * Reads a request strictly. Inside a tunnel the Host must be the CONNECT's; outside, the absolute target's. An https URL
 * goes on over TLS, whatever it came by.
 */
export function strictRequest(agent: AgentStream, head: RequestHead, maxTargetBytes: number): StrictRequest | Refusal {
  if (head.target.length > maxTargetBytes) return refusal('TARGET_TOO_LONG', 'The request target is too long.');
  const framing = agent.framingOf(head);
  if (framing.kind === 'fault') return refusal('BAD_REQUEST', framing.detail);
  const refused = refuseMethod(head);
  if (refused) return refused;
  const upgrade = webSocketUpgrade(agent, head);
  if (upgrade?.kind === 'refused') return upgrade;
  const place = agent.tunnel
    ? {
        kind: 'place' as const,
        destination: agent.tunnel.destination,
        isSecure: agent.tunnel.isSecure,
        origin: head.target,
      }
    : absolutePlace(head);
  if (place.kind === 'refused') return place;
  const mismatch = compareHost(head, place.destination, place.isSecure);
  if (mismatch) return mismatch;
  const target = parseTarget(head.method === 'OPTIONS' && place.origin === '*' ? '/' : place.origin);
  if (target.kind === 'fault') return refusal('BAD_TARGET', target.detail);
  const { destination, isSecure, origin } = place;
  return {
    kind: 'request',
    destination,
    isSecure,
    methods: methodsOf(head),
    target: origin,
    path: target.path,
    readings: target.readings,
    framing,
    upgrade,
  };
}

/** Headers by which frameworks and APIs let a POST stand for another method. */
const overrides = new Set(['x-http-method-override', 'x-http-method', 'x-method-override']);

function methodsOf(head: RequestHead): readonly string[] {
  const methods = [head.method];
  for (const { name, value } of head.headers) {
    if (overrides.has(name)) for (const method of value.split(',')) methods.push(method.trim().toUpperCase());
  }
  return methods;
}

function refuseMethod(head: RequestHead): Refusal | undefined {
  if (head.method === 'CONNECT' || head.method === 'TRACE')
    return refusal('METHOD_NOT_ALLOWED', `${head.method} is not forwarded.`);
  return undefined;
}

/** WebSocket is the one protocol that a connection may change to. */
function webSocketUpgrade(agent: AgentStream, head: RequestHead): WebSocketUpgrade | Refusal | undefined {
  const upgrade = readUpgrade(head);
  if (upgrade?.kind === 'malformed')
    return refusal('BAD_REQUEST', `The request to upgrade is malformed: ${upgrade.detail}.`);
  if (upgrade?.kind === 'unsupported' || (upgrade && !agent.switchProtocols)) {
    return refusal('UNSUPPORTED_UPGRADE', 'The request asks to upgrade to a protocol other than WebSocket.');
  }
  return upgrade?.kind === 'websocket' ? upgrade : undefined;
}

function absolutePlace(
  head: RequestHead,
): { readonly kind: 'place'; destination: Authority; isSecure: boolean; origin: string } | Refusal {
  const absolute = parseAbsoluteTarget(head.target);
  if (absolute.kind === 'fault')
    return refusal(absolute.code === 'BAD_TARGET' ? 'BAD_TARGET' : 'BAD_REQUEST', absolute.detail);
  return {
    kind: 'place',
    destination: absolute.authority,
    isSecure: absolute.scheme === 'https',
    origin: absolute.origin,
  };
}

/** Rule 1: the name that policy judged is the name that is dialled. */
function compareHost(head: RequestHead, destination: Authority, isSecure: boolean): Refusal | undefined {
  const host = singleHost(head);
  if (typeof host !== 'string') {
    if (host.code === 'MISSING_HOST' && head.minor === 0) return undefined;
    return refusal('BAD_REQUEST', host.detail);
  }
  const defaultPort = isSecure ? 443 : 80;
  if (host === destination.host && destination.port === defaultPort) return undefined;
  const authority = parseAuthority(host, defaultPort);
  if (authority.kind === 'fault') return refusal('BAD_REQUEST', authority.detail);
  if (authority.host === destination.host && authority.port === destination.port) return undefined;
  return refusal('MISDIRECTED', 'The Host header names another host or port than the one this connection is for.');
}
