import type { AuditView } from '../audit-store.ts';

/** Log audit (RFC 5424, 6.2.1). */
const facility = 13;
const informational = 6;
const warning = 4;

/**
 * One event as RFC 5424 has it: the event is the message, as JSON in UTF-8. Nothing of it can end the message early or begin
 * another, since JSON has no control characters and the header has nothing that an agent chose.
 */
export function syslogMessage(event: AuditView, host: string, processId: number): Buffer {
  const isNotable = event.decision === 'deny' || event.findings.length > 0;
  const priority = facility * 8 + (isNotable ? warning : informational);
  const messageId = event.decision === 'deny' ? 'DENY' : 'ALLOW';
  const head = `<${priority}>1 ${event.time.toISOString()} ${named(host)} onecli ${processId} ${messageId} - `;
  return Buffer.from(`${head}\u{feff}${JSON.stringify(event)}`, 'utf8');
}

/** By octet counting (RFC 6587, 3.4.1; RFC 5425, 4.3). */
export function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `, 'ascii'), message]);
}

function named(host: string): string {
  return host.replaceAll(/[^!-~]/g, '').slice(0, 255) || '-';
}
