// Baseline: the shortest sound intercepting proxy on Node's own HTTP server and undici's `dispatch`.
// argv: port, upstream port, key file, certificate file, CA file.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { Pool } from 'undici';
import { benchHost, placeholderHeader, secretValue } from '../workload.ts';

const [port = '', upstreamPort = '', keyFile = '', certFile = '', caFile = ''] = process.argv.slice(2);

const pool = new Pool(`https://127.0.0.1:${upstreamPort}`, {
  connections: 64,
  connect: { ca: readFileSync(caFile), servername: benchHost },
});
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
]);

function outgoingHeaders(request: IncomingMessage): string[] {
  const kept: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(index, index + 2);
    if (hopByHop.has(name.toLowerCase())) continue;
    kept.push(name, value === placeholderHeader ? `Bearer ${secretValue}` : value);
  }
  return kept;
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  const method = (request.method ?? 'GET') as 'GET';
  pool.dispatch(
    { path: request.url ?? '/', method, headers: outgoingHeaders(request), body: hasBody ? request : null },
    {
      onRequestStart: (controller) =>
        void response.once('close', () => response.writableEnded || controller.abort(new Error('gone'))),
      onResponseStart: (_controller, status, headers) => {
        for (const name of hopByHop) delete headers[name];
        response.writeHead(status, headers);
      },
      onResponseData: (controller, chunk) => {
        if (response.write(chunk)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  );
}

const interceptor = createTlsServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, forward);
const server = createServer();
server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  interceptor.emit('connection', socket);
});
server.listen(Number(port), '127.0.0.1', () => process.send?.('listening'));
