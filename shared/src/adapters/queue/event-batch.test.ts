import { describe, expect, it } from 'vitest';
import { trailBatch } from '../../ports/audit-queue.contract.ts';
import { openAnyBatch, packBatch, sealBatch } from './audit-batch.ts';

const key = Buffer.alloc(32, 1);
/** As the release before the spool sealed it with that key. */
const sealed =
  'AijY9E/QvhhyNnlf37H+nVCnwP4g+jnBpOTPyHqUYoFr7Cd9KC9hQqNf3DFeEVUSWm4P06VqqEBOHwc+VmVVNULoxJGKOr9ME+zCDQ35jG+LkAVjGdM494ph+7D0K6UohdF6QSF8kAzgGnpsqCYmiMU7TNYICSx+2JyBTBgUAqBKgmGE4tC2/k7ejmuyhAPABJG/+FgFNKEei2MypycUgCjYWIkrNmwg7+aIMvVuqN4cVQOm/Dcy3+8VQHnWpCfy/Kupass+p3AyZJMGpYGJA8Q8hgCEyWn9wGCq1lLCEqQHVj4bKWXy/FaiDLkliQw7LvqZxu6HNn5SnWhaixRd7vMbc8oVuU/uVYeFASKzTudnCcx0M33Rvy28Rw4lef52KpBL79kqz+7R+6Eik/QlCnKK92TP8eYqIADLvRcjQuMog8ShwszSJu9gI+DdPsuxWvcV9rG5h02uF8uMbzV50vF3kGmiJaZYz1s=';

const base = {
  timeMs: 1767312000000,
  worker: 'worker-1',
  revision: 7,
  agentId: undefined,
  agent: 'my-agent',
  host: 'api.example.com',
  port: 443,
  method: 'GET',
  status: 200,
  latencyMs: 1.5,
  requestBytes: 0,
  responseBytes: 12,
};

describe('openAnyBatch', () => {
  it('opens what a worker of the release before sealed', () => {
    expect(openAnyBatch(key, { sealed })).toStrictEqual({
      events: [
        {
          ...base,
          id: 'worker-1-b00t-0',
          requestId: 'r-0',
          decision: 'allow',
          reason: 'ALLOWED',
          rule: 'finance#0',
          path: '/v1/modèles',
          secrets: ['prod/openai@1'],
          findings: [],
        },
        {
          ...base,
          id: 'worker-1-b00t-1',
          timeMs: base.timeMs + 5,
          requestId: 'r-1',
          decision: 'deny',
          reason: 'NO_RULE',
          rule: undefined,
          path: '/v1/models',
          secrets: [],
          findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' }],
        },
      ],
    });
  });

  it('opens links too, and their end', () => {
    const end = { ...trailBatch('b00t', 0), isEnd: true };
    for (const batch of [trailBatch('b00t', 3), end])
      expect(openAnyBatch(key, sealBatch(key, packBatch(batch)))).toEqual(batch);
  });
});
