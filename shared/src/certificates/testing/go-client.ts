// Go's own command as a TLS client: it takes modules from any host, by the proxy that it is given, and nothing has to be compiled.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { Leaf } from '../issue-leaf.ts';

const answers: Record<string, string> = {
  list: 'v1.2.3\n',
  'v1.2.3.info': '{"Version":"v1.2.3"}',
  'v1.2.3.mod': 'module proof.example/m\n',
};

export interface GoClient {
  /** Under which leaf a host answers. */
  leafFor: (host: string) => Leaf;
  /** The only version of a module that `host` has. @throws Error with what Go says instead */
  ask(host: string): Promise<string>;
  close(): void;
}

/** Starts what answers for every host. Go keeps its files in `folder`, and trusts `authorityFile` alone. */
export async function startGoClient(
  folder: string,
  authorityFile: string,
  leafFor: GoClient['leafFor'],
): Promise<GoClient> {
  const module = createServer((request, response) => {
    const answer = answers[request.url?.replace('/proof.example/m/@v/', '') ?? ''];
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  const proxy = createServer().on('connect', ({ url = '' }, socket: Socket) => {
    const leaf = client.leafFor(url.replace(/:443$/, '').replace(/^\[|\]$/g, ''));
    socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\n\r\n');
    const secure = new TLSSocket(socket, { isServer: true, cert: leaf.certificatePem, key: leaf.privateKeyPem });
    module.emit(
      'connection',
      secure.on('error', () => socket.destroy()),
    );
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  let asked = 0;
  const client: GoClient = {
    leafFor,
    ask: async (host) => {
      asked += 1;
      const env = {
        ...environment(folder, authorityFile, proxyUrl),
        GOPROXY: `https://${host.includes(':') ? `[${host}]` : host}`,
        // What it knows already it does not ask for.
        GOMODCACHE: join(folder, `go-${asked}`),
      };
      const args = ['list', '-m', '-f', '{{.Version}}', 'proof.example/m@latest'];
      return (await promisify(execFile)('go', args, { cwd: folder, env })).stdout.trim();
    },
    close: () => {
      proxy.close();
      module.closeAllConnections();
    },
  };
  return client;
}

/** Nothing of the machine's own settings, and of its roots. */
function environment(folder: string, authorityFile: string, proxyUrl: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    HTTPS_PROXY: proxyUrl,
    SSL_CERT_FILE: authorityFile,
    SSL_CERT_DIR: join(folder, 'no-certificates'),
    GO111MODULE: 'on',
    GOENV: 'off',
    GOFLAGS: '-modcacherw',
    GOSUMDB: 'off',
    GOTELEMETRY: 'off',
    GOTOOLCHAIN: 'local',
  };
}
