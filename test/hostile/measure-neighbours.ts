/**
 * What a neighbour feels of agents that hold things up: `node --conditions=source --import tsx test/hostile/measure-neighbours.ts`.
 * Prints the neighbour's latency alone and beside each kind of them; what has to hold is a p99 of at most twice that alone.
 */
import { connectHead, openRaw, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { startWorld, type World } from '../support/world.ts';

const requests = Number(process.argv[2] ?? 2000);
const megabyte = 1024 * 1024;

/** Each opens what it holds up, and gives it to be closed. */
const kinds: Record<string, (world: World) => Promise<RawConnection>> = {
  'a hundred slow readers of 50 MB': async (world) => {
    const connection = await world.tunnel();
    connection.socket.pause();
    connection.send(requestBytes('GET', '/v1/large'));
    return connection;
  },
  'a hundred heads that do not end': async (world) => {
    const connection = await world.tunnel();
    connection.send('GET /v1/x HTTP/1.1\r\nHost: api.openai.com\r\nX-A: ');
    return connection;
  },
  'a hundred handshakes that stop': async (world) => {
    const connection = await openRaw(world.onecli.proxyPort);
    connection.send(connectHead('api.openai.com:443', world.agent, world.token));
    await connection.readResponse('CONNECT');
    connection.send(Buffer.from('160301', 'hex'));
    return connection;
  },
};

/** Latencies of one request after another on one tunnel, in milliseconds, the shortest first. */
async function latencies(neighbour: RawConnection): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < requests; index++) {
    const startedMs = performance.now();
    neighbour.send(requestBytes('GET', '/v1/small'));
    const { status } = await neighbour.readResponse();
    if (status !== 200) throw new Error(`the neighbour got ${status}`);
    found.push(performance.now() - startedMs);
  }
  return found.sort((one, other) => one - other);
}

function report(name: string, sorted: readonly number[]): void {
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
  process.stdout.write(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${sorted.length}\n`);
}

const world = await startWorld();
try {
  world.upstream.handler = async (request, reply) => {
    if (request.target !== '/v1/large') return reply.json(200, { ok: true });
    await reply.raw(`HTTP/1.1 200 OK\r\nContent-Length: ${50 * megabyte}\r\n\r\n`);
    const part = Buffer.alloc(megabyte, 'x');
    for (let sent = 0; sent < 50 && !reply.socket.destroyed; sent += 1) await reply.raw(part);
  };
  const neighbour = await world.tunnel();
  await latencies(neighbour);
  report('alone', await latencies(neighbour));
  for (const [name, open] of Object.entries(kinds)) {
    const held: RawConnection[] = [];
    for (let index = 0; index < 100; index++) held.push(await open(world));
    report(`beside ${name}`, await latencies(neighbour));
    for (const connection of held) connection.close();
    report('alone again', await latencies(neighbour));
  }
} finally {
  await world.stop();
}
