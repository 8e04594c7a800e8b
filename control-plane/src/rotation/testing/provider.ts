import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueLeaf } from '@onecli/shared/certificates/issue-leaf';

export const providerHost = 'provider.example';

/** A provider of keys that keeps them, and what it was sent. */
export interface Provider {
  readonly port: number;
  readonly rootsPem: string;
  readonly keys: Map<string, string>;
  readonly seen: { method: string; path: string; authorization: string | undefined; body: string }[];
  /** Answers instead of the provider, where it is set. */
  override: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): void;
}

/** Real TLS, on loopback: POST /keys makes one, DELETE /keys/<id> ends it, GET /me takes one that works. */
export async function startProvider(adminKey: string): Promise<Provider> {
  const authority = createAuthority({ commonName: 'Provider authority', validDays: 2 });
  const leaf = issueLeaf(parseAuthority(authority), providerHost);
  const keys = new Map<string, string>();
  const seen: Provider['seen'] = [];
  const provider: { override: Provider['override'] } = { override: undefined };
  const server = createServer({ cert: leaf.certificatePem, key: leaf.privateKeyPem }, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const { authorization } = headers;
      seen.push({ method, path, authorization, body });
      if (provider.override !== undefined) return provider.override(request, response);
      const bearer = authorization?.replace('Bearer ', '');
      const answer = (status: number, document?: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? {}));
      };
      if (path === '/me') return answer([...keys.values()].includes(bearer ?? '') ? 200 : 401);
      if (bearer !== adminKey) return answer(401, { error: `no such key: ${bearer}` });
      if (method === 'POST' && path === '/keys') {
        const id = `key-${keys.size + 1}`;
        const value = `sk-${randomBytes(12).toString('hex')}`;
        keys.set(id, value);
        return answer(201, { data: [{ id, secret: value }] });
      }
      const id = path.replace('/keys/', '');
      return answer(method === 'DELETE' && keys.delete(id) ? 204 : 404);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(provider, {
    port: (server.address() as AddressInfo).port,
    rootsPem: authority.certificatePem,
    keys,
    seen,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
}
