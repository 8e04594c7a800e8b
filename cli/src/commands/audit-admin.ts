import { z } from 'zod';
import type { ApiClient } from '../api/api-client.ts';
import { formatTable } from '../format-table.ts';
import { printable, type Terminal } from '../terminal.ts';

const adminEventSchema = z.looseObject({
  id: z.string(),
  time: z.string(),
  principal: z.string(),
  owner: z.string().nullish(),
  action: z.string(),
  objectName: z.string(),
  outcome: z.string(),
  reason: z.string().nullish(),
  address: z.string().nullish(),
  detail: z.record(z.string(), z.unknown()).nullish(),
});
type AdminEvent = z.infer<typeof adminEventSchema>;

export interface AdminAuditQuery {
  readonly principal?: string | undefined;
  readonly action?: string | undefined;
  readonly outcome?: string | undefined;
  readonly since?: string | undefined;
}

/** Shows what principals did and were refused, oldest first. */
export async function showAdminEvents(
  api: ApiClient,
  terminal: Terminal,
  query: AdminAuditQuery,
  { limit, json }: { readonly limit: number; readonly json: boolean },
): Promise<void> {
  const events = (await api.list('/api/admin-events', adminEventSchema, { ...query }, limit)).toReversed();
  if (json) {
    for (const event of events) terminal.print(JSON.stringify(event));
    return;
  }
  if (events.length === 0) return terminal.notice('no events');
  const heading = ['TIME', 'WHO', 'FROM', 'ACTION', 'OBJECT', 'OUTCOME', 'FIELDS'];
  for (const [index, line] of formatTable(heading, events.map(row)).entries())
    terminal.print(events[index - 1]?.outcome === 'refused' ? terminal.paint('red', line) : line);
}

function row({ time, principal, owner, address, action, objectName, outcome, reason, detail }: AdminEvent): string[] {
  const fields = detail?.['fields'];
  return [
    time,
    owner ? `${principal} of ${owner}` : principal,
    address ?? '-',
    action,
    objectName || '-',
    reason ? `${outcome} ${reason}` : outcome,
    Array.isArray(fields) ? fields.map(String).join(', ') : '',
  ].map(printable);
}
