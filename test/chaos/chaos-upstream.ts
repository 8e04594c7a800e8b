/** The upstream of the chaos suite: keeps what each request brought, with its credentials, as it came. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { TestAuthority } from '../support/test-authority.ts';

/** One request as it arrived. */
export interface Arrival {
  /** Of the path's last segment. */
  readonly id: string;
  readonly kind: string;
  readonly host: string;
  readonly atMs: number;
  /** Name, value, name, value …, as sent. */
  readonly rawHeaders: readonly string[];
  /** The request target as it came. */
  readonly target: string;
}

export interface ChaosUpstream {
  readonly port: number;
  readonly arrivals: Arrival[];
  close(): Promise<void>;
}

export const streamParts = 4;
const streamEveryMs = 60;

/** Starts it with a leaf for these names. */
export async function startChaosUpstream(authority: TestAuthority, hosts: readonly string[]): Promise<ChaosUpstream> {
  const leaf = authority.issue(hosts);
  const arrivals: Arrival[] = [];
  const server = createServer({ key: leaf.key, cert: leaf.cert, keepAliveTimeout: 60_000 }, (request, response) => {
    const arrival = note(arrivals, request);
    answer(arrival, request, response).catch(() => response.destroy());
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    note(arrivals, request);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => undefined);
      webSocket.on('message', (data: Buffer) => webSocket.send(`echo ${data.toString()}`));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function note(arrivals: Arrival[], request: IncomingMessage): Arrival {
  const target = request.url ?? '';
  const [, , kind = '', id = ''] = (target.split('?')[0] ?? '').split('/');
  const host = request.headers.host ?? '';
  const arrival = { id, kind, host, atMs: Date.now(), rawHeaders: [...request.rawHeaders], target };
  arrivals.push(arrival);
  return arrival;
}

async function answer(arrival: Arrival, request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (arrival.kind) {
    case 'upload':
      return upload(request, response);
    case 'stream': {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let part = 0; part < streamParts; part += 1) {
        response.write(`data: ${arrival.id} ${part}\n\n`);
        await pause(streamEveryMs);
      }
      response.end();
      return;
    }
    case 'echo':
      // What it got, its credential too: no agent may read that.
      response.writeHead(200, { 'content-type': 'text/plain' }).end(request.rawHeaders.join('\n'));
      return;
    default:
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: arrival.id }));
  }
}

async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of request) hash.update(chunk as Buffer);
  response.writeHead(200, { 'content-type': 'text/plain' }).end(hash.digest('hex'));
}
