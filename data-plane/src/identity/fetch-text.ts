/** Fetches a small document over HTTPS by the same way as agents' requests: checked addresses, verified certificates. */
import { request } from 'node:http';
import { dial, type DialOptions } from '../proxy/dial.ts';

const maxBytes = 256 * 1024;

/**
 * Gives the text of an answer with status 200. No redirect is followed.
 * Throws Error when the URL is no https URL, the host cannot be dialled, the answer is another, or it is larger than 256 KB.
 */
export async function fetchText(url: URL, access: DialOptions, signal: AbortSignal): Promise<string> {
  if (url.protocol !== 'https:') throw new Error('not an https URL');
  const destination = { host: url.hostname, port: url.port === '' ? 443 : Number(url.port), isSecure: true };
  const dialled = await dial(destination, access);
  if (dialled.kind === 'refused') throw new Error(dialled.message);
  try {
    return await new Promise<string>((resolve, reject) => {
      const headers = { host: url.host, accept: 'application/json', connection: 'close' };
      const options = { path: url.pathname + url.search, headers, signal, createConnection: () => dialled.socket };
      const asking = request(options, (response) => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`));
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxBytes) reject(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('aborted', () => reject(new Error('the answer was cut')));
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      });
      asking.on('error', reject);
      asking.end();
    });
  } finally {
    dialled.socket.destroy();
  }
}
