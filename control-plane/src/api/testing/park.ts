import http from 'node:http';
import type { Served } from './serve.ts';

/** A call whose head has been sent, and of its body the first byte. */
export interface ParkedCall {
  /** Sends the rest, and gives the answer. */
  release(): Promise<{ readonly status: number; readonly text: string }>;
}

/** Sends the head of a call and waits until the server has let it in, so far as it does. */
export async function park(
  api: Served,
  headers: Record<string, string>,
  method: string,
  path: string,
  body: object,
): Promise<ParkedCall> {
  const text = JSON.stringify(body);
  const length = String(Buffer.byteLength(text));
  const arrived = new Promise<void>((resolve) => {
    // The body's reader asks for it when everything ahead of it has let the call through.
    const served = api.plane.app as unknown as { handle(...call: unknown[]): void };
    const handle = served.handle.bind(served);
    served.handle = (request: http.IncomingMessage, ...rest: unknown[]) => {
      served.handle = handle;
      const on = request.on.bind(request);
      request.on = ((event: string, heard: (...told: unknown[]) => void) => {
        if (event === 'data') resolve();
        return on(event, heard);
      }) as typeof request.on;
      handle(request, ...rest);
    };
  });
  const request = http.request(api.url + path, {
    method,
    headers: { 'content-type': 'application/json', 'content-length': length, ...headers },
  });
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    request.on('error', reject).on('response', (response) => {
      let heard = '';
      response
        .setEncoding('utf8')
        .on('data', (piece: string) => (heard += piece))
        .on('end', () => resolve({ status: response.statusCode ?? 0, text: heard }));
    });
  });
  request.write(text.slice(0, 1));
  await arrived;
  return {
    release: () => {
      request.end(text.slice(1));
      return answered;
    },
  };
}
