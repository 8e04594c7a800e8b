/** W3C Trace Context, level 1: which trace a caller says that its request belongs to. */

export interface TraceParent {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** The header fields that carry it, and what else is passed on with it. They tell of the caller's own systems. */
export const traceContextFields: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads `traceparent`; undefined when it is none: then a trace begins anew (section 3.2.2). */
export function readTraceParent(value: string | undefined): TraceParent | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = form.exec(value ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
