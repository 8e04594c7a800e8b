import type { AuditView } from '../audit-store.ts';

const columns = {
  time: (event) => event.time.toISOString(),
  id: (event) => event.id,
  agent: (event) => event.agent,
  decision: (event) => event.decision,
  reason: (event) => event.reason,
  rule: (event) => event.rule,
  method: (event) => event.method,
  host: (event) => event.host,
  port: (event) => event.port,
  path: (event) => event.path,
  status: (event) => event.status,
  latencyMs: (event) => event.latencyMs,
  requestBytes: (event) => event.requestBytes,
  responseBytes: (event) => event.responseBytes,
  secrets: (event) => event.secrets.join(' '),
  findings: (event) => event.findings.map(({ kind, place }) => `${kind}:${place}`).join(' '),
  requestId: (event) => event.requestId,
  revision: (event) => event.revision,
  worker: (event) => event.worker,
} as const satisfies Readonly<Record<string, (event: AuditView) => string | number | null>>;

/** The first line (RFC 4180). */
export const csvHead = `${Object.keys(columns).join(',')}\r\n`;

export function toCsv(event: AuditView): string {
  return `${Object.values(columns)
    .map((pick) => cell(pick(event)))
    .join(',')}\r\n`;
}

/** What a spreadsheet would take for a formula gets an apostrophe before it: agents choose methods, hosts and paths. */
function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^\s*[=+\-@\t\r|\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== value ? `"${text.replaceAll('"', '""')}"` : text;
}
