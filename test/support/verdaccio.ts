import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TestLeaf } from './test-authority.ts';

/** Writes the configuration of a registry over TLS, without any uplink, for signed-in users only. Gives the file. */
export function verdaccioConfiguration(folder: string, port: number, leaf: TestLeaf): string {
  mkdirSync(folder, { recursive: true });
  const configuration = {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: 10 } },
    packages: { '**': { access: '$authenticated', publish: '$authenticated' } },
    uplinks: {},
    web: { enable: false },
    listen: [`https://127.0.0.1:${port}`],
    https: { key: leaf.keyFile, cert: leaf.certFile },
    log: { type: 'stdout', format: 'pretty', level: 'error' },
  };
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(configuration)); // JSON is YAML
  return file;
}

/** Calls the registry without the gateway; rejects when the answer is no JSON object. */
export function callRegistry(call: {
  port: number;
  host: string;
  ca: string;
  method: string;
  path: string;
  body?: unknown;
}): Promise<Record<string, unknown>> {
  const { port, host, ca, method, path, body } = call;
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request({ host: '127.0.0.1', port, servername: host, ca, method, path, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
      incoming.on('end', () => {
        try {
          resolve(JSON.parse(text) as Record<string, unknown>);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
