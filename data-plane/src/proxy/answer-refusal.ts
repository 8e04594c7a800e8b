import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Refusal, type OwnAnswer, refusalAnswer } from './answer.ts';
import type { Exchange } from './exchange.ts';

/** Of which request, and how it is told. */
interface Refused {
  readonly exchange: Exchange;
  readonly method: string;
  readonly isConnect?: boolean;
  /** Its agent is told in the head of the answer alone. */
  readonly isByHead?: boolean;
  /** Sends it. Gives the bytes of body sent. */
  readonly send: (own: OwnAnswer) => Promise<unknown>;
}

/**
 * Records a refusal, and answers it when the trail has it: after a kill no agent has read an answer of which nothing is known. What
 * was recorded goes to the spool at the end of this turn; one that cannot be written now keeps no agent from being told.
 */
export async function answerRefusal(
  refused: Refusal,
  { exchange, method, isConnect, isByHead, send }: Refused,
): Promise<void> {
  const own = refusalAnswer(refused, exchange.requestId, isConnect);
  exchange.answerBytes = method === 'HEAD' || isByHead ? 0 : Buffer.byteLength(own.body);
  exchange.record(refused);
  await nextTurn();
  await send(own);
}
