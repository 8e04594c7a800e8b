import { Fault } from '@onecli/shared/fault';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { RefusalRecord } from './refusal-record.ts';

describe('RefusalRecord', () => {
  it('takes all addresses of one IPv6 network for one caller: whoever has one has 2 to the 64', async () => {
    let written = 0;
    const query = () => Promise.resolve(void written++);
    const log = { warn: () => undefined, error: () => undefined } as unknown as Logger;
    const record = new RefusalRecord({ manager: { query } } as unknown as DataSource, log);
    const refused = new Fault('UNAUTHENTICATED', 'This call needs a login');
    const call = { principal: undefined, requestId: 'r', call: 'GET /api/secrets', objectName: undefined };
    for (let host = 1; host <= 300; host++)
      await record.note(refused, { ...call, address: `2001:db8:0:1::${host.toString(16)}` });
    expect(written).toBe(240);
    await record.note(refused, { ...call, address: '2001:db8:0:2::1' });
    expect(written).toBe(241);
  });
});
