import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

const maxBodyBytes = 1_000_000;

export interface DirectAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * Gets an http:// or https:// URL past any proxy: `fetch` would ask the gateway for itself where NODE_USE_ENV_PROXY=1 is set, as
 * it is in a command that `onecli run` started. Follows no redirect. Throws what the connection throws.
 */
export async function getDirectly(url: string, timeoutMs: number): Promise<DirectAnswer> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return await new Promise<DirectAnswer>((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request(url, { agent: false, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
        if (body.length > maxBodyBytes) response.destroy(new Error('the answer is too large'));
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.once('error', reject);
    sent.end();
  });
}
