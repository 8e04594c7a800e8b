import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import { describe, expect, it } from 'vitest';
import type { Configuration } from '../snapshot/configuration.ts';
import { answerInternal } from './onecli-internal.ts';
import type { ServedRequest } from './served-request.ts';
import type { StrictRequest } from './strict-request.ts';

/** Asks for a page that depends on nothing, and gives what was done, in its order. */
async function ask(method: 'GET' | 'HEAD'): Promise<unknown[]> {
  const done: unknown[] = [];
  const served = {
    plane: { trail: { hasRoom: true }, isDraining: false },
    agent: { answer: ({ status }: { status: number }) => (done.push(['answered', status]), Promise.resolve(1)) },
    head: { method, minor: 1, headers: [], target: '/' },
    exchange: {
      ending: async (status: number, bytes: number) => {
        await new Promise((resolve) => setImmediate(resolve));
        done.push(['recorded', status, bytes > 0]);
      },
    },
  } as unknown as ServedRequest;
  const request = { path: '/errors/POLICY_DENIED', framing: { kind: 'none' } } as StrictRequest;
  await answerInternal(served, request, { configuration: {} as Configuration, agent: {} as AgentRecord });
  return done;
}

describe('a page of onecli.internal', () => {
  it('is given when the trail has that it is, and not before', async () => {
    expect(await ask('GET')).toEqual([
      ['recorded', 200, true],
      ['answered', 200],
    ]);
    expect(await ask('HEAD')).toEqual([
      ['recorded', 200, false],
      ['answered', 200],
    ]);
  });
});
