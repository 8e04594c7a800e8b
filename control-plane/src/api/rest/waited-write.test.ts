import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import type { AppliedWait } from '../../workers/applied-wait.ts';
import { told } from './waited-write.ts';

describe('a write that is waited for', () => {
  it('is told, with null, when nobody can say what the workers have applied', async () => {
    const until = () => Promise.reject(new Fault('NOT_READY', 'The database did not tell'));
    expect(await told({ until } as unknown as AppliedWait, { revision: 7 }, 10)).toBeNull();
  });
});
