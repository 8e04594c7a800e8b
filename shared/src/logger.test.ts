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

describe('every way to a log line', () => {
  const url = 'postgres://onecli:canary-1234@db.example/onecli';
  it.each<[string, (log: ReturnType<typeof capture>['log']) => void]>([
    ['the message', (log) => log.info(`connecting to ${url}`)],
    ['what is put into the message', (log) => log.info('connecting to %s', url)],
    ['an object in the message', (log) => log.info('with %o', { password: 'canary-1234' })],
    ['a field', (log) => log.warn({ target: url }, 'text')],
    ['a field deep down', (log) => log.warn({ a: { b: { c: { d: { clientSecret: 'canary-1234' } } } } }, 'text')],
    ['a list', (log) => log.warn({ list: [{ apiKey: 'canary-1234' }, url] }, 'text')],
    ['bytes', (log) => log.warn({ sealed: Buffer.from('canary-1234') }, 'text')],
    ['an error', (log) => log.error(new Error(`no way to ${url}`))],
    ['an error with a text', (log) => log.error(new Error(`no way to ${url}`), 'text')],
    ['an error as a field', (log) => log.error({ err: new Error(`no way to ${url}`) }, 'text')],
    ['a cause', (log) => log.error({ err: new Error('x', { cause: new Error(url) }) }, 'text')],
    ['an error’s own fields', (log) => log.error(Object.assign(new Error('x'), { value: 'canary-1234', body: url }))],
    [
      'an error under another name',
      (log) => log.error({ error: Object.assign(new Error(url), { value: 'canary-1234' }) }),
    ],
    ['what a child is bound to', (log) => log.child({ token: 'canary-1234', from: url }).info('text')],
  ])('hides a credential in %s', (_what, write) => {
    const { lines, log } = capture();
    write(log);
    expect(lines).toHaveLength(1);
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
