import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Intended, writeIntent } from './audit-entry.ts';
import { IntentLines } from './intent-lines.ts';

/** Few of each, so that much is repeated. */
const few = (...values: string[]) => fc.constantFrom(...values);
const intended: fc.Arbitrary<Intended> = fc.record({
  timeMs: fc.nat(),
  revision: fc.nat(3),
  requestId: few('r-1', 'r"2', 'ü'),
  agentId: fc.option(few('a', 'b', 'c"'), { nil: undefined }),
  agent: fc.option(few('one', 'two', '☃'), { nil: undefined }),
  rule: fc.option(few('p/rules/0', 'p/rules/1'), { nil: undefined }),
  host: few('api.example.com', 'other.example'),
  port: fc.constantFrom(443, 8443),
  method: few('GET', 'POST', 'X"'),
  path: few('/v1', '/v2', '/"\\', '/\u2028'),
  secrets: fc.array(few('prod/a@1', 'prod/b@2'), { maxLength: 3 }),
});

describe('IntentLines', () => {
  it('writes every intent as writeIntent does, whatever was written before it', () => {
    fc.assert(
      fc.property(fc.array(intended, { minLength: 30, maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (all, max) => {
        const lines = new IntentLines(max);
        for (const [sequence, each] of all.entries())
          expect(lines.write(sequence, each)).toBe(writeIntent(sequence, each));
      }),
    );
  });

  it('is not misled by a list of secrets that is another one with the same content, or the same with more', () => {
    const lines = new IntentLines();
    const [first] = fc.sample(intended, 1) as [Intended];
    for (const secrets of [['a@1'], ['a@1'], ['a@1', 'b@1'], ['a@2', 'b@1'], []]) {
      const each = { ...first, agentId: 'a', secrets };
      expect(lines.write(7, each)).toBe(writeIntent(7, each));
    }
  });
});
