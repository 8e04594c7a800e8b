/** What happens to a request's body before anything of the request leaves. */
import type { Surface } from '@onecli/shared/domain/binding';
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from '../credentials/placement-scope.ts';
import { placeInBody } from '../credentials/place-in-body.ts';
import { planBody } from '../credentials/plan-body.ts';
import { type Header, headerValue } from '../wire/head.ts';
import type { AgentStream, BodyPiece } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';
import type { Broken } from './outgoing.ts';
import type { RequestBody } from './request-body.ts';
import type { ServedRequest } from './served-request.ts';
import { agentGone } from './withhold.ts';

/** The body may leave, now or as it comes. */
export interface Held {
  readonly kind: 'held';
  /** The agent was told to go on (`Expect: 100-continue`), and its upstream need not tell it. */
  readonly isContinued: boolean;
  /** The secrets that were placed in it, and where. */
  readonly used: readonly UsedSecret[];
  readonly surfaces: readonly Surface[];
}

const notHeld: Held = { kind: 'held', isContinued: false, used: [], surfaces: [] };

/**
 * A small body is looked at whole before anything of the request leaves; so is any body in which placeholders are replaced,
 * up to a bound. All others stream.
 */
export function holdBody(
  served: ServedRequest,
  body: RequestBody,
  headers: readonly Header[],
  scope: PlacementScope,
): Held | Refusal | Promise<Held | Refusal | Broken> {
  if (body.isEmpty) return notHeld;
  const plan = planBody(headers, scope);
  switch (plan.kind) {
    case 'watched':
      return body.isHoldable(served.plane.limits.heldBodyBytes) ? holdWatched(served, body) : notHeld;
    case 'unreadable':
      return unreadable(plan.detail);
    case 'surface':
      return holdPlaced(served, body, plan.surface, scope);
  }
}

async function holdWatched(served: ServedRequest, body: RequestBody): Promise<Held | Refusal | Broken> {
  const { plane, agent } = served;
  const isContinued = await askOn(served);
  const piece = await body.hold(plane.limits.bodyIdleMs, plane.heldBodies);
  return piece.kind === 'payload' ? { ...notHeld, isContinued } : explain(agent, piece);
}

async function holdPlaced(
  served: ServedRequest,
  body: RequestBody,
  surface: Parameters<typeof placeInBody>[1],
  scope: PlacementScope,
): Promise<Held | Refusal | Broken> {
  const { plane, agent, exchange } = served;
  const { placedBodyBytes, bodyIdleMs } = plane.limits;
  const tooLarge = 'A body in which placeholders are replaced is held whole, and this one is too long for that.';
  if (body.framing.kind === 'length' && body.framing.lengthBytes > placedBodyBytes)
    return refusal('BODY_TOO_LARGE', tooLarge);
  const isContinued = await askOn(served);
  const piece = await body.holdUnwatched(bodyIdleMs, placedBodyBytes, plane.heldBodies);
  if (piece === 'too-long') return refusal('BODY_TOO_LARGE', tooLarge);
  if (piece.kind !== 'payload') return explain(agent, piece);
  const placed = placeInBody(Buffer.concat(piece.chunks), surface, scope, plane.opener);
  switch (placed.kind) {
    case 'placed':
      body.replaceHeld(placed.body);
      body.hasMention = placed.hasMention;
      return { kind: 'held', isContinued, used: placed.used, surfaces: placed.used.length > 0 ? [surface] : [] };
    case 'refused':
      exchange.findings.push(placed.finding);
      return placed.finding.kind === 'SECRET_EXPIRED'
        ? refusal('SECRET_EXPIRED', 'The secret of a placeholder in the request body has expired.')
        : refusal('PLACEHOLDER_NOT_BOUND', 'A placeholder stands in the request body where its secret is not bound.');
    case 'unreadable':
      return unreadable(placed.detail);
    case 'unavailable':
      plane.log.error({ err: placed.cause, requestId: exchange.requestId }, 'a secret could not be opened');
      return refusal('SECRET_UNAVAILABLE', 'A secret that this request needs could not be opened.');
  }
}

/** An agent that waits to be asked for its body is asked by us. */
async function askOn({ agent, head }: ServedRequest): Promise<boolean> {
  const isWaiting = head.minor === 1 && headerValue(head.headers, 'expect')?.toLowerCase() === '100-continue';
  if (isWaiting) await agent.interim({ status: 100, reason: 'Continue', headers: [] });
  return isWaiting;
}

function explain(agent: AgentStream, piece: Exclude<BodyPiece, { kind: 'payload' }>): Refusal | Broken {
  if (piece.kind === 'refused') return piece;
  return agent.isWritable ? refusal('REQUEST_TIMEOUT', 'The request body did not arrive in time.') : agentGone;
}

function unreadable(detail: string): Refusal {
  return refusal(
    'BODY_UNREADABLE',
    `A secret is bound to bodies of this host, and this body cannot be read: ${detail}.`,
  );
}
