/** What the worker answers itself on the proxy port, to anybody: no agent, secret or host is named here. */
import { errorPage } from '@onecli/shared/error-page';
import { requestFraming } from '../wire/frame-body.ts';
import type { RequestHead } from '../wire/head.ts';
import { isCloseAsked } from '../wire/hop-by-hop.ts';
import { refusal, refusalAnswer } from '../proxy/answer.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Http1Agent } from '../proxy/http1-agent.ts';
import { nextRequestId } from '../proxy/request-id.ts';
import type { Served } from '../proxy/serve-connection.ts';

interface Document {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Serves `GET /health`, `/livez`, `/readyz`, `/metrics`, `/ca.pem` and `/errors/CODE`; anything else in origin form gets a 404 that says what this is. */
export async function answerOwnRequest(plane: DataPlane, agent: Http1Agent, head: RequestHead): Promise<Served> {
  const framing = requestFraming(head);
  const isReading = head.method === 'GET' || head.method === 'HEAD';
  const isClosing = framing.kind !== 'none' || head.minor === 0 || plane.isDraining || isCloseAsked(head.headers);
  const own = isReading ? await ownAnswer(plane, head.target.split('?')[0] ?? '') : undefined;
  if (!own) {
    const refused = refusal(
      isReading ? 'NOT_A_PROXY_REQUEST' : 'METHOD_NOT_ALLOWED',
      'There is nothing here under that method and path.',
    );
    await agent.answer(refusalAnswer(refused, nextRequestId()), head.method, true);
    return 'served';
  }
  const headers: [string, string][] = [
    ['Date', new Date().toUTCString()],
    ['Content-Type', own.type],
    ['Cache-Control', 'no-store'],
  ];
  const reason = own.status === 200 ? 'OK' : 'Service Unavailable';
  await agent.answer({ status: own.status, reason, headers, body: own.body }, head.method, isClosing);
  return 'served';
}

async function ownAnswer(plane: DataPlane, path: string): Promise<Document | undefined> {
  switch (path) {
    case '/health':
      return json(isReady(plane) ? 200 : 503, healthOf(plane));
    case '/livez':
      return json(200, { status: 'ok' });
    case '/readyz':
      return json(isReady(plane) ? 200 : 503, { status: isReady(plane) ? 'ok' : 'unavailable' });
    case '/metrics':
      return { status: 200, type: plane.metrics.registry.contentType, body: await plane.metrics.registry.metrics() };
    case '/ca.pem':
      return plane.authority.bundlePem === undefined
        ? json(503, { status: 'unavailable' })
        : { status: 200, type: 'application/x-pem-file', body: plane.authority.bundlePem };
    default:
      return errorDocument(path);
  }
}

function errorDocument(path: string): Document | undefined {
  const body = path.startsWith('/errors/') ? errorPage(path.slice('/errors/'.length)) : undefined;
  return body === undefined ? undefined : { status: 200, type: 'text/markdown; charset=utf-8', body };
}

/** A worker with a good configuration is ready, although everything behind it may be down. */
function isReady(plane: DataPlane): boolean {
  return plane.configuration.current !== undefined && !plane.isDraining && plane.trail.hasRoom;
}

function healthOf(plane: DataPlane): object {
  const { isStoreReachable, refusal, isMasterKeyCurrent } = plane.configuration;
  const isFollowing = isStoreReachable && refusal === undefined && isMasterKeyCurrent;
  const isWhole = isFollowing && plane.trail.isQueueReachable;
  const status = plane.isDraining ? 'draining' : !isReady(plane) ? 'unavailable' : isWhole ? 'ok' : 'degraded';
  return {
    status,
    revision: plane.configuration.current?.revision ?? null,
    database: isStoreReachable ? 'up' : 'down',
    // Why a newer or restored configuration is not taken; null while the store is followed.
    refusal: refusal ?? null,
    masterKey: isMasterKeyCurrent ? 'current' : 'replaced',
    queue: plane.trail.isQueueReachable ? 'up' : 'down',
    auditPending: plane.trail.pendingCount,
    connections: plane.connections.count,
  };
}

function json(status: number, body: object): Document {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
