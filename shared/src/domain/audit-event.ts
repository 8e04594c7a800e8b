/** Why a request ended as it did; `ALLOWED`, `MONITORED` (denied, were its policy enforced), or a fault's code. Metrics use it as a label. */
export type AuditReason = string;

export const findingKinds = [
  'PLACEHOLDER_NOT_GRANTED',
  'PLACEHOLDER_NOT_BOUND',
  'PLACEHOLDER_IN_BODY',
  'SECRET_EXPIRED',
  'SECRET_IN_RESPONSE',
] as const;

/** Something somebody should look at. */
export interface Finding {
  readonly kind: (typeof findingKinds)[number];
  /**
   * Where in the request: a header's name, `target`, `body`. Of SECRET_IN_RESPONSE, where in the answer: a header's name,
   * `header` for one whose name is no name to keep, `reason`, `body`, `trailer`, `message`. Never a value.
   */
  readonly place: string;
}

/**
 * One record of a request. It has no field that could hold a credential: `path` is without the query, and sealed at
 * rest. Times in milliseconds since the epoch, sizes in bytes of body.
 */
export interface AuditEvent {
  /** `worker-boot-sequence`: unique, so that writing an event twice changes nothing. */
  readonly id: string;
  readonly timeMs: number;
  readonly worker: string;
  readonly revision: number;
  readonly requestId: string;
  readonly agentId: string | undefined;
  readonly agent: string | undefined;
  readonly decision: 'allow' | 'deny';
  readonly reason: AuditReason;
  readonly rule: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** The status that the agent received; 0 when the connection ended before one was sent. */
  readonly status: number;
  readonly latencyMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Secret versions that left with the request: `prod/openai@1`. */
  readonly secrets: readonly string[];
  readonly findings: readonly Finding[];
}
