/** Answers that OneCLI itself makes (rule 11): a code in a header, a JSON body that says what to do, and no secret. */
import { type FaultCode, faultOf } from '@onecli/shared/fault';

/** A refusal or failure, ready to be answered and audited. `message` names things, never values. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: FaultCode;
  readonly message: string;
  /** What to do, where more is known than the table of faults says. */
  readonly hint?: string;
  /** When a refusal that passes by itself is over; 1 where nothing better is known. */
  readonly retryAfterSeconds?: number;
  /** A 407 that asks for a JWT beside the token. */
  readonly acceptsBearer?: boolean;
}

/** The gateway's own name among hosts: what it tells agents of itself. */
export const internalHost = 'onecli.internal';

/** Builds a refusal. */
export function refusal(
  code: FaultCode,
  message: string,
  more: Pick<Refusal, 'hint' | 'retryAfterSeconds'> = {},
): Refusal {
  return { kind: 'refused', code, message, ...more };
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** A whole answer of ours, before it is framed. */
export interface OwnAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** The refusal in a sentence, for protocols whose refusals have no body. */
  readonly message?: string;
}

/** The answer to a refused request. At CONNECT clients show only the reason phrase, so the code stands there. */
export function refusalAnswer(refused: Refusal, requestId: string, isConnect = false): OwnAnswer {
  const { code, message, acceptsBearer, retryAfterSeconds = 1 } = refused;
  const { status, isRetryable, ...fault } = faultOf(code);
  const hint = refused.hint ?? fault.hint;
  const docs = `http://${internalHost}/errors/${code}`;
  const headers: [string, string][] = [
    ['Date', new Date().toUTCString()],
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
    ['x-onecli-error', code],
    ['x-onecli-request-id', requestId],
    ['x-should-retry', String(isRetryable)],
  ];
  if (status === 407) headers.push(['Proxy-Authenticate', 'Basic realm="onecli"']);
  if (status === 407 && acceptsBearer) headers.push(['Proxy-Authenticate', 'Bearer realm="onecli"']);
  if (isRetryable && (status === 503 || status === 429)) headers.push(['Retry-After', String(retryAfterSeconds)]);
  const body = `${JSON.stringify({ error: { code, message, hint, docs, requestId } })}\n`;
  return { status, reason: isConnect ? code : (reasons[status] ?? 'Error'), headers, body, message };
}
