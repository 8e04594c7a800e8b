/** Answers that OneCLI itself makes (rule 11): a code in a header, a JSON body that says what to do, and no secret. */
import { type FaultCode, faultOf } from '@onecli/shared/fault';
import { writeResponseHead } from '../wire/write-head.ts';

/** A refusal or failure, ready to be answered and audited. `message` names things, never values. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: FaultCode;
  readonly message: string;
}

/** Builds a refusal. */
export function refusal(code: FaultCode, message: string): Refusal {
  return { kind: 'refused', code, message };
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  414: 'URI Too Long',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export interface AnswerOptions {
  readonly requestId: string;
  readonly isClosing: boolean;
  /** HEAD is answered without a body. */
  readonly method: string;
  /** At CONNECT clients show only the reason phrase: the code stands there. */
  readonly isConnect?: boolean;
}

/** The bytes of an answer to a refused request, and the size of its body. */
export function answerRefusal(
  { code, message }: Refusal,
  options: AnswerOptions,
): { readonly bytes: Buffer; readonly bodyBytes: number } {
  const { status, hint, isRetryable } = faultOf(code);
  const body = `${JSON.stringify({ error: { code, message, hint, requestId: options.requestId } })}\n`;
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
    ['x-onecli-error', code],
    ['x-onecli-request-id', options.requestId],
  ];
  if (status === 407) headers.push(['Proxy-Authenticate', 'Basic realm="onecli"']);
  if (isRetryable && (status === 503 || status === 429)) headers.push(['Retry-After', '1']);
  if (options.isClosing) headers.push(['Connection', 'close']);
  return answer(
    status,
    options.isConnect ? code : (reasons[status] ?? 'Error'),
    headers,
    body,
    options.method === 'HEAD',
  );
}

/** The bytes of any answer with a body of ours. */
export function answer(
  status: number,
  reason: string,
  headers: readonly (readonly [string, string])[],
  body: string,
  isHead = false,
): { readonly bytes: Buffer; readonly bodyBytes: number } {
  const bodyBytes = Buffer.byteLength(body);
  const dated = [['Date', new Date().toUTCString()] as const, ...headers];
  const head = writeResponseHead(status, reason, dated, { kind: 'length', lengthBytes: bodyBytes });
  return {
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(isHead ? '' : body)]),
    bodyBytes: isHead ? 0 : bodyBytes,
  };
}
