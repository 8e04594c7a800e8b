import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { InstanceKeys } from '../../instance/instance-keys.ts';
import type { DataSource } from 'typeorm';
import { ApprovalIntake } from '../approval-intake.ts';

/** What a worker records of a request that a rule refused until somebody approves it. */
export function refusedEvent(agent: string, agentId: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: `w-b-${Math.trunc(performance.now() * 1000)}`,
    timeMs: Date.now(),
    worker: 'w',
    revision: 1,
    requestId: 'r',
    agentId,
    agent,
    decision: 'deny',
    reason: 'APPROVAL_REQUIRED',
    rule: `of-${agent}/rules/0`,
    host: 'api.example.com',
    port: 443,
    method: 'POST',
    path: '/pay/1',
    status: 403,
    latencyMs: 1,
    requestBytes: 0,
    responseBytes: 0,
    secrets: [],
    findings: [],
    ...more,
  };
}

interface Api {
  readonly database: DataSource;
  readonly keys: InstanceKeys;
  call(method: string, path: string, body?: unknown): Promise<{ readonly json: unknown; readonly text: string }>;
}

/** Makes an agent with a rule that asks and grants a secret, has it refused, and gives the id of what then waits. */
export async function askedApproval({ database, keys, call }: Api, agent: string, secret: string): Promise<string> {
  const { id } = (await call('POST', '/api/agents', { name: agent })).json as { id: string };
  const scope = { hosts: ['api.example.com'], paths: ['/pay/**'], methods: ['POST'] };
  const allow = { ...scope, secrets: [secret], approval: true };
  await call('POST', '/api/policies', { name: `of-${agent}`, agents: [agent], rules: [{ allow }] });
  const intake = new ApprovalIntake({ database, keys, log: { warn: (fields) => console.error(fields) } });
  intake.count([refusedEvent(agent, id)]);
  await intake.write();
  const { items } = (await call('GET', '/api/approvals?state=PENDING')).json as {
    items: { id: string; agent: string }[];
  };
  const asked = items.find((item) => item.agent === agent);
  if (asked === undefined) throw new Error(`nothing of ${agent} waits`);
  return asked.id;
}
