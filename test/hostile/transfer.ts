import { once } from 'node:events';
import { residentBytes } from '../support/process-facts.ts';
import { requestBytes } from '../support/raw-agent.ts';
import type { World } from '../support/world.ts';

const part = Buffer.alloc(256 * 1024, 'x');

/** What one large transfer did to the worker. */
export interface Transfer {
  readonly seconds: number;
  /** Resident memory: before it, and looked at every 100 ms while it ran. */
  readonly beforeBytes: number;
  readonly curveBytes: readonly number[];
}

/** An answer of so many bytes, read by the agent as fast as it comes. @throws Error when it is not whole. */
export async function download(world: World, worker: number, bytes: number): Promise<Transfer> {
  world.upstream.reset(async (_request, reply) => {
    await reply.raw(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
    for (let sent = 0; sent < bytes; sent += part.length) await reply.raw(part.subarray(0, bytes - sent));
  });
  const { socket } = await world.tunnel();
  let received = 0;
  socket.removeAllListeners('data');
  return watched(worker, async () => {
    socket.write(requestBytes('GET', '/v1/large'));
    for await (const chunk of socket) {
      received += (chunk as Buffer).length;
      if (received >= bytes) break;
    }
    if (received < bytes) throw new Error(`only ${received} of ${bytes} bytes came`);
    socket.destroy();
  });
}

/** A request body of so many bytes, read by the upstream as fast as it comes. @throws Error when it is not whole. */
export async function upload(world: World, worker: number, bytes: number): Promise<Transfer> {
  const connection = await world.tunnel();
  world.upstream.reset(async (request, reply) => {
    await request.body();
    reply.json(200, { bytes: request.bodyLength });
  });
  return watched(worker, async () => {
    connection.send(requestBytes('POST', '/v1/large', { 'content-length': String(bytes) }, ''));
    for (let sent = 0; sent < bytes; sent += part.length) {
      if (!connection.socket.write(part.subarray(0, bytes - sent))) await once(connection.socket, 'drain');
    }
    const answer = await connection.readResponse('POST', 120_000);
    if ((answer.json as { bytes?: number }).bytes !== bytes) throw new Error(`the upload was answered: ${answer.text}`);
    connection.close();
  });
}

async function watched(worker: number, work: () => Promise<void>): Promise<Transfer> {
  const beforeBytes = residentBytes(worker);
  const curveBytes: number[] = [];
  const timer = setInterval(() => curveBytes.push(residentBytes(worker)), 100);
  const started = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return { seconds: (performance.now() - started) / 1000, beforeBytes, curveBytes };
}
