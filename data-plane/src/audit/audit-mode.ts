/** What a secret that leaves waits for: its intent in the spool, on the medium, or in the queue. */
export const auditModes = ['default', 'durable', 'strict'] as const;
export type AuditMode = (typeof auditModes)[number];
