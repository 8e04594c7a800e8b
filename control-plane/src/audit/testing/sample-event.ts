import type { AuditEvent } from '@onecli/shared/domain/audit-event';

/** A request that was let through, and what is told of it otherwise. */
export function sampleEvent(id: string, timeMs: number, change: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id,
    timeMs,
    worker: 'w1',
    revision: 3,
    requestId: `request-${id}`,
    agentId: undefined,
    agent: 'my-agent',
    decision: 'allow',
    reason: 'ALLOWED',
    rule: 'finance#0',
    host: 'api.openai.com',
    port: 443,
    method: 'POST',
    path: '/v1/canary-path',
    status: 200,
    latencyMs: 12.5,
    requestBytes: 1,
    responseBytes: 2,
    secrets: ['prod/openai@1'],
    findings: [],
    ...change,
  };
}
