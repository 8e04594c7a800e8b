import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueLeaf } from '@onecli/shared/certificates/issue-leaf';

export const upstreamHost = 'api.example.com';
const authority = createAuthority({ commonName: 'Upstream authority', validDays: 2 });
const leaf = issueLeaf(parseAuthority(authority), upstreamHost);

/** A server of HTTP/2 and HTTP/1.1 over TLS on loopback; what it does with requests and upgrades is for the test to say. */
export interface SampleUpstream {
  readonly server: Http2SecureServer;
  readonly port: number;
  readonly rootsPem: string;
  close(): void;
}

export async function sampleUpstream(): Promise<SampleUpstream> {
  const server = createSecureServer({ cert: leaf.certificatePem, key: leaf.privateKeyPem, allowHTTP1: true });
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    rootsPem: authority.certificatePem,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
