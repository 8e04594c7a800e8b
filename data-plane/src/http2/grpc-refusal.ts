/** Refusals as gRPC clients read them: no body, the status in what they take for trailers (gRPC over HTTP/2, Responses). */
import type { OwnAnswer } from '../proxy/answer.ts';

/** Whether a request of this content type is a gRPC call (`application/grpc`, `application/grpc+proto`). */
export function isGrpc(contentType: string | undefined): contentType is string {
  return contentType !== undefined && /^application\/grpc(?:$|[+;])/i.test(contentType);
}

const invalidArgument = 3;
const unknown = 2;

/** The gRPC status that says most nearly what an HTTP status of ours says. */
const statuses: Readonly<Record<number, number>> = {
  400: invalidArgument,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  407: 16,
  408: 4,
  413: 8,
  414: invalidArgument,
  421: invalidArgument,
  429: 8,
  431: 8,
  500: 13,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
};

/** The same refusal for a gRPC call: trailers only, with the code of ours beside the gRPC status. */
export function grpcAnswer(own: OwnAnswer, contentType: string): OwnAnswer {
  const headers = own.headers.filter(([name]) => name.toLowerCase().startsWith('x-'));
  return {
    status: 200,
    reason: own.reason,
    headers: [
      ['content-type', contentType],
      ['grpc-status', String(statuses[own.status] ?? unknown)],
      ['grpc-message', percentEncode(own.message ?? own.reason)],
      ...headers,
    ],
    body: '',
  };
}

/** Everything but visible ASCII without the percent sign, and the space, as UTF-8 octets (gRPC over HTTP/2). */
function percentEncode(text: string): string {
  const octets = Buffer.from(text, 'utf8').toString('latin1');
  return octets.replace(/[^\x20-\x24\x26-\x7e]/g, (octet) => {
    return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}
