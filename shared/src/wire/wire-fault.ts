export type WireFaultCode =
  | 'BAD_REQUEST_LINE'
  | 'BAD_STATUS_LINE'
  | 'BAD_VERSION'
  | 'BAD_HEADER'
  | 'HEAD_TOO_LARGE'
  | 'TOO_MANY_HEADERS'
  | 'BAD_FRAMING'
  | 'BAD_CHUNK'
  | 'BAD_TRAILER'
  | 'TRUNCATED'
  | 'BAD_TARGET'
  | 'BAD_AUTHORITY'
  | 'BAD_HOST'
  | 'MISSING_HOST';

/** Why bytes were refused. `detail` names things and never quotes them: it may be logged and shown. */
export interface WireFault {
  readonly kind: 'fault';
  readonly code: WireFaultCode;
  readonly detail: string;
}

/** Builds a fault. `detail` must be a fixed text or name a known header, never carry received bytes. */
export function wireFault(code: WireFaultCode, detail: string): WireFault {
  return { kind: 'fault', code, detail };
}
