import { describe, expect, it } from 'vitest';
import { refusal } from './answer.ts';
import { answerRefusal } from './answer-refusal.ts';
import type { Exchange } from './exchange.ts';

describe('answerRefusal', () => {
  it('answers when the trail has had its turn to write the event, and not before', async () => {
    const order: string[] = [];
    const exchange = {
      requestId: 'r-1',
      answerBytes: 0,
      // As the trail does: what is recorded in a turn is written at its end.
      record: () => {
        order.push(`recorded ${exchange.answerBytes > 0}`);
        setImmediate(() => order.push('written'));
      },
    };
    const send = async (): Promise<void> => void order.push('answered');
    const refused = refusal('POLICY_DENIED', 'No.');
    await answerRefusal(refused, { exchange: exchange as unknown as Exchange, method: 'GET', send });
    expect(order).toEqual(['recorded true', 'written', 'answered']);
  });

  it.each([
    { method: 'HEAD', isByHead: false },
    { method: 'POST', isByHead: true },
  ])('counts no body of an answer that has none: %o', async (told) => {
    const exchange = { requestId: 'r-1', answerBytes: 1, record: () => undefined };
    const send = async (): Promise<void> => undefined;
    await answerRefusal(refusal('POLICY_DENIED', 'No.'), {
      exchange: exchange as unknown as Exchange,
      ...told,
      send,
    });
    expect(exchange.answerBytes).toBe(0);
  });
});
