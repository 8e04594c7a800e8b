import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuditEntry,
  type IntentEntry,
  intendedEvent,
  type LoneOutcomeEntry,
  loneEvent,
  type OutcomeEntry,
  readEntry,
  writeEntry,
} from './audit-entry.ts';

const intent: IntentEntry = {
  kind: 'INTENT',
  sequence: 36,
  of: undefined,
  timeMs: 1_790_000_000_000,
  revision: 7,
  requestId: 'a1b2',
  agentId: '0d6e0b9a-7b3a-4a4e-9d2f-1f7b8f4f3a11',
  agent: 'my-agent',
  rule: 'policy/rules/0',
  host: 'api.example.com',
  port: 443,
  method: 'POST',
  path: '/v1/chat',
  secrets: ['prod/openai@1'],
};
const outcome: OutcomeEntry = {
  kind: 'OUTCOME',
  sequence: 40,
  of: 36,
  timeMs: 1_790_000_000_900,
  decision: 'allow',
  reason: 'ALLOWED',
  rule: 'policy/rules/0',
  status: 200,
  latencyMs: 899.25,
  requestBytes: 12,
  responseBytes: 2048,
  secrets: ['prod/openai@1'],
  findings: [{ kind: 'PLACEHOLDER_IN_BODY', place: 'body' }],
};
const lone: LoneOutcomeEntry = {
  ...outcome,
  sequence: 41,
  of: undefined,
  decision: 'deny',
  reason: 'PROXY_AUTH_REQUIRED',
  rule: undefined,
  revision: 7,
  requestId: 'a1b3',
  agentId: undefined,
  agent: undefined,
  host: '',
  port: 0,
  method: 'CONNECT',
  path: '',
  secrets: [],
  findings: [],
};

describe('writeEntry', () => {
  it('writes each kind as the documented line', () => {
    expect(writeEntry(intent)).toBe(
      '[36,"INTENT",null,1790000000000,7,"a1b2","0d6e0b9a-7b3a-4a4e-9d2f-1f7b8f4f3a11","my-agent","policy/rules/0","api.example.com",443,"POST","/v1/chat",["prod/openai@1"]]',
    );
    expect(writeEntry({ kind: 'INTENT', sequence: 37, of: 36, timeMs: 5, secrets: ['prod/a@1', 'prod/b@2'] })).toBe(
      '[37,"INTENT",36,5,["prod/a@1","prod/b@2"]]',
    );
    expect(writeEntry(outcome)).toBe(
      '[40,"OUTCOME",36,1790000000900,"allow","ALLOWED","policy/rules/0",200,899.25,12,2048,["prod/openai@1"],[["PLACEHOLDER_IN_BODY","body"]]]',
    );
    expect(writeEntry(lone)).toBe(
      '[41,"OUTCOME",null,1790000000900,"deny","PROXY_AUTH_REQUIRED",null,200,899.25,12,2048,[],[],7,"a1b3",null,null,"",0,"CONNECT",""]',
    );
  });

  it('makes one line of ASCII, whatever an agent puts into its path', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(texts, texts, (path, method) => {
        const entry = { ...intent, path, method };
        const line = writeEntry(entry);
        expect([/^[ -~]*$/.test(line), readEntry(line)]).toEqual([true, entry]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('readEntry', () => {
  it.each<AuditEntry>([intent, outcome, lone, { kind: 'INTENT', sequence: 1, of: 0, timeMs: 1, secrets: [] }])(
    'gives back what was written: %#',
    (entry) => expect(readEntry(writeEntry(entry))).toEqual(entry),
  );

  it.each([
    '',
    '{}',
    '[]',
    '[1,"INTENT",null]',
    '[-1,"INTENT",0,1,[]]',
    '[1,"OTHER",null,1,[]]',
    '[1,"INTENT",0,1,[],2]',
  ])('refuses what is no entry: %s', (line) => expect(() => readEntry(line)).toThrow(SyntaxError));
});

describe('the event of a request', () => {
  it('is that of its intent and its outcome, under the id of the intent', () => {
    expect(intendedEvent('worker-1', 'b00t', intent, outcome)).toMatchObject({
      id: 'worker-1-b00t-10',
      worker: 'worker-1',
      timeMs: outcome.timeMs,
      host: intent.host,
      path: intent.path,
      status: 200,
      reason: 'ALLOWED',
    });
  });

  it('is interrupted, with status 0 and all secrets that left, when no outcome will come', () => {
    expect(intendedEvent('worker-1', 'b00t', intent, undefined, ['prod/b@2'])).toMatchObject({
      timeMs: intent.timeMs,
      status: 0,
      decision: 'allow',
      reason: 'INTERRUPTED',
      secrets: ['prod/openai@1', 'prod/b@2'],
    });
  });

  it('is that of its outcome when no secret left', () => {
    const { id, worker, reason, host } = loneEvent('worker-1', 'b00t', lone);
    expect({ id, worker, reason, host }).toEqual({
      id: 'worker-1-b00t-15',
      worker: 'worker-1',
      reason: 'PROXY_AUTH_REQUIRED',
      host: '',
    });
  });
});
