/**
 * http://onecli.internal/, by https as well: what the gateway tells a recognised agent about itself. It is answered here and never
 * goes upstream, whatever policy and DNS say of the name.
 */
import { errorPage } from '@onecli/shared/error-page';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import type { Configuration } from '../snapshot/configuration.ts';
import { isCloseAsked } from '../wire/hop-by-hop.ts';
import { internalHost, type OwnAnswer, type Refusal, refusal } from './answer.ts';
import { describeAccess } from './describe-access.ts';
import type { Forwarded } from './outgoing.ts';
import type { ServedRequest } from './served-request.ts';
import type { StrictRequest } from './strict-request.ts';

/** Whether a request is for the gateway itself. */
export function isInternal({ destination }: StrictRequest): boolean {
  return destination.host === internalHost;
}

/** Answers a request that {@link isInternal}. A body that came with it is not read: the connection ends. */
export async function answerInternal(
  { plane, agent: stream, head, exchange }: ServedRequest,
  request: StrictRequest,
  { configuration, agent }: { readonly configuration: Configuration; readonly agent: AgentRecord },
): Promise<Forwarded> {
  if (!plane.trail.hasRoom) return refusal('AUDIT_UNAVAILABLE', 'The audit trail cannot take more.');
  const page = internalPage(head.method, request.path, () => describeAccess(configuration, agent, plane.limits));
  if ('kind' in page) return page;
  const isLast = request.framing.kind !== 'none' || head.minor === 0 || plane.isDraining || isCloseAsked(head.headers);
  const { status, body } = page;
  const isHeadAlone = head.method === 'HEAD' || stream.isRefusedByHead;
  await exchange.ending(status, isHeadAlone ? 0 : Buffer.byteLength(body));
  return { kind: 'answered', status, responseBytes: await stream.answer(page, head.method, isLast) };
}

function internalPage(method: string, path: string, describe: () => object): OwnAnswer | Refusal {
  if (method !== 'GET' && method !== 'HEAD')
    return refusal('METHOD_NOT_ALLOWED', `${internalHost} answers GET and HEAD.`);
  if (path === '/') return page('application/json', `${JSON.stringify(describe(), undefined, 1)}\n`);
  const text = path.startsWith('/errors/') ? errorPage(path.slice('/errors/'.length)) : undefined;
  if (text !== undefined) return page('text/markdown; charset=utf-8', text);
  return refusal('NOT_FOUND', `${internalHost} has no such page.`, {
    hint: `There are http://${internalHost}/ (what you may reach, and with which placeholders) and http://${internalHost}/errors/CODE.`,
  });
}

function page(type: string, body: string): OwnAnswer {
  const headers = [
    ['Date', new Date().toUTCString()],
    ['Content-Type', type],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status: 200, reason: 'OK', headers, body };
}
