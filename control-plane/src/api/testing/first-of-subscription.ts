import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ApiAnswer } from './call-api.ts';
import type { Served } from './serve.ts';

/** The first that a subscription gives, or how it was refused, as an answer of HTTP would have it. */
export async function firstOf(
  api: Served,
  headers: Record<string, string>,
  payload: { readonly query: string; readonly variables: Record<string, unknown> },
): Promise<ApiAnswer> {
  let status = 200;
  class SignedIn extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers });
      this.once('unexpected-response', (_request, response) => {
        status = response.statusCode ?? 0;
        this.terminate();
      });
    }
  }
  const url = `${api.url.replace('http', 'ws')}/graphql`;
  const client = createClient({ url, webSocketImpl: SignedIn, retryAttempts: 0, lazy: true });
  try {
    const body = await new Promise<object>((resolve) => {
      client.subscribe(payload, {
        next: resolve,
        error: (errors) => resolve(Array.isArray(errors) ? { errors: errors as unknown[] } : {}),
        complete: () => resolve({}),
      });
    });
    const text = JSON.stringify(body);
    return { status, headers: {}, text, json: body };
  } finally {
    await client.dispose();
  }
}
