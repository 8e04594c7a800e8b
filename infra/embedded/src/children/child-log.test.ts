import { describe, expect, it } from 'vitest';
import { describeLine } from './child-log.ts';

describe('describeLine', () => {
  it('keeps what is routine off the terminal, with levels as numbers and as names', () => {
    expect(describeLine('{"level":30,"msg":"proxying"}')).toBeUndefined();
    expect(describeLine('{"level":"info","msg":"serving"}')).toBeUndefined();
  });

  it('shows warnings with their cause in one line', () => {
    expect(describeLine('{"level":"warn","msg":"cannot follow","err":{"message":"refused"}}')).toBe(
      'cannot follow: refused',
    );
    expect(describeLine('{"level":50,"msg":"broken"}')).toBe('broken');
  });

  it('shows whatever is not a log record', () => {
    expect(describeLine('The configuration has faults:')).toBe('The configuration has faults:');
    expect(describeLine('{ not json')).toBe('{ not json');
  });
});
