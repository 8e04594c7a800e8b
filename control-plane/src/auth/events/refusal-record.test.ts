import { Fault } from '@onecli/shared/fault';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../principal.ts';
import { RefusalRecord } from './refusal-record.ts';

const refused = new Fault('UNAUTHENTICATED', 'This call needs a login');
const call = { principal: undefined, address: '192.0.2.1', requestId: 'r', call: 'GET /api/secrets', objectName: '' };

/** A record, and how many events it has written. */
function counted() {
  const written = { events: 0 };
  const query = () => Promise.resolve(void written.events++);
  const log = { warn: () => undefined, error: () => undefined } as unknown as Logger;
  return { written, record: new RefusalRecord({ manager: { query } } as unknown as DataSource, log) };
}

describe('RefusalRecord', () => {
  it('takes all addresses of one IPv6 network for one caller: whoever has one has 2 to the 64', async () => {
    const { written, record } = counted();
    for (let host = 1; host <= 300; host++)
      await record.note(refused, { ...call, address: `2001:db8:0:1::${host.toString(16)}` });
    expect(written.events).toBe(240);
    await record.note(refused, { ...call, address: '2001:db8:0:2::1' });
    expect(written.events).toBe(241);
  });

  it('writes a bounded number of events of callers without a login, and keeps those of a principal all the same', async () => {
    const { written, record } = counted();
    for (let address = 0; address < 20; address++)
      for (let n = 0; n < 200; n++) await record.note(refused, { ...call, address: `192.0.2.${address}` });
    expect(written.events).toBe(1200);
    const principal: Principal = { kind: 'user', name: 'ada', userId: 'a', assignments: [] };
    await record.note(new Fault('FORBIDDEN', 'No'), { ...call, principal });
    expect(written.events).toBe(1201);
  });

  it('takes all keys of one user, and himself, for one caller', async () => {
    const { written, record } = counted();
    const forbidden = new Fault('FORBIDDEN', 'No');
    for (let n = 0; n < 300; n++) {
      const principal: Principal = {
        kind: 'key',
        name: `k${n % 10}`,
        keyId: `k${n % 10}`,
        userId: 'a',
        assignments: [],
      };
      await record.note(forbidden, { ...call, principal });
    }
    await record.note(forbidden, { ...call, principal: { kind: 'user', name: 'ada', userId: 'a', assignments: [] } });
    expect(written.events).toBe(240);
  });
});
