import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { logSparingly } from './log-sparingly.ts';

function capture() {
  const lines: string[] = [];
  return { lines, log: createLogger('control-plane', 'trace', { write: (line: string) => void lines.push(line) }) };
}

describe('createLogger', () => {
  it('writes of an error what it says, and nothing that hangs on it', () => {
    const { lines, log } = capture();
    const cause = Object.assign(new Error('the cause'), { parameters: ['canary'], body: 'canary' });
    log.error(
      {
        err: Object.assign(new Error('it failed', { cause }), {
          code: '23505',
          detail: 'Key (x)=(canary)',
          query: 'canary',
        }),
      },
      'text',
    );
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      msg: 'text',
      err: { message: 'it failed', code: '23505', cause: { message: 'the cause' } },
    });
    expect(lines.join('')).not.toContain('canary');
  });

  it('hides fields that could hold a credential', () => {
    const { lines, log } = capture();
    log.info(
      {
        password: 'canary',
        body: { value: 'canary', deep: { token: 'canary' } },
        headers: { authorization: 'canary' },
      },
      'text',
    );
    expect(lines.join('')).not.toContain('canary');
  });
});

describe('logSparingly', () => {
  it('says the same once in half a minute, and something else at once', () => {
    const { lines, log } = capture();
    let nowMs = 0;
    const report = logSparingly(log, 'away', () => nowMs);
    report(new Error('a'));
    report(new Error('a'));
    report(new Error('b'));
    expect(lines).toHaveLength(2);
    report(new Error('b'));
    nowMs = 30_000;
    report(new Error('b'));
    expect(lines).toHaveLength(3);
  });
});
