import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { insertOf } from '../../control-plane/src/audit/audit-columns.ts';
import type { AuditEvent } from '../../shared/src/domain/audit-event.ts';
import type { Keyring } from '../../shared/src/vault/keyring.ts';
import { agentName, number, secretName, times } from './loaded-names.ts';

const batchRows = 2_000;

/** Audit events, the newest of now, a hundred a second. */
export async function insertEvents(client: pg.Client, keyring: Keyring, count: number): Promise<void> {
  const nowMs = Date.now();
  for (let from = 0; from < count; from += batchRows) {
    const size = Math.min(batchRows, count - from);
    const events = [...times(size, (each) => eventAt(from + each, nowMs - (count - from - each) * 10))];
    const { text, values } = insertOf(events, keyring);
    await client.query(text, [...values]);
  }
}

function eventAt(index: number, timeMs: number): AuditEvent {
  const isDenied = index % 50 === 0;
  return {
    id: `worker-1-scale-${number(index)}`,
    timeMs,
    worker: 'worker-1',
    revision: 1,
    requestId: randomUUID(),
    agentId: undefined,
    agent: agentName(index % 1000),
    decision: isDenied ? 'deny' : 'allow',
    reason: isDenied ? 'POLICY_DENIED' : 'ALLOWED',
    rule: undefined,
    host: `api-${index % 500}.example.com`,
    port: 443,
    method: 'GET',
    path: '/v1/things',
    status: isDenied ? 403 : 200,
    latencyMs: 12.5,
    requestBytes: 0,
    responseBytes: 1200,
    secrets: [`${secretName(index % 1000)}@1`],
    findings: [],
  };
}
