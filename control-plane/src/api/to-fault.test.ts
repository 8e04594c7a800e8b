import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { toFault } from './to-fault.ts';

describe('toFault', () => {
  it('leaves a fault as it is', () => {
    const fault = new Fault('NAME_TAKEN', 'The name is taken', { field: 'name' });
    expect(toFault(fault)).toBe(fault);
  });

  it('takes the body reader’s errors by their kind, and none of their text, which quotes the body', () => {
    const error = Object.assign(new SyntaxError('Unexpected token s in "sk-canary"'), {
      type: 'entity.parse.failed',
      body: 'sk-canary',
    });
    const fault = toFault(error);
    expect(fault).toMatchObject({ code: 'INVALID', status: 400, field: 'body', cause: undefined });
    expect(fault.message).not.toContain('canary');
    expect(toFault(Object.assign(new Error(), { type: 'entity.too.large' }))).toMatchObject({
      code: 'TOO_LARGE',
      status: 413,
    });
  });

  it.each(['ECONNREFUSED', 'ENOENT', '57P01', '57P03', '08006', '53300'])(
    'takes %s for a database that is away',
    (code) => {
      expect(toFault(Object.assign(new Error('x'), { code }))).toMatchObject({ code: 'NOT_READY', status: 503 });
    },
  );

  it('tells nothing of what is unknown, and keeps it as the cause', () => {
    const error = Object.assign(new Error('duplicate key (name)=(sk-canary)'), { code: '23505' });
    expect(toFault(error)).toMatchObject({ code: 'INTERNAL', message: 'An unexpected fault', cause: error });
    expect(toFault('text').code).toBe('INTERNAL');
    expect(toFault(undefined).code).toBe('INTERNAL');
  });
});
