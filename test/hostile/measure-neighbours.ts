/**
 * What a neighbour feels of agents that hold things up: `node --conditions=source --import tsx test/hostile/measure-neighbours.ts`.
 * Prints the neighbour's latency alone and beside each kind of them; what has to hold is a p99 of at most twice that alone.
 *
 * Slow readers are measured twice. Until the buffers of the system between them and their upstream are full, some megabytes each,
 * they read as fast as any download; what they are like is seen when nothing moves any more. The same through a relay that
 * copies bytes from socket to socket, in a process of its own, says what of it is the machine's and this program's, which is
 * neighbour, readers and upstream at once.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { cpuMicros } from '../support/process-facts.ts';
import { connectHead, openRaw, requestBytes } from '../support/raw-agent.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';

const requests = Number(process.argv[2] ?? 2000);
const megabyte = 1024 * 1024;
const partBytes = 64 * 1024;
const count = 100;

type Open = () => Promise<RawConnection>;

/** Each opens what it holds up, and gives it to be closed. */
function kindsOf(world: World): Record<string, Open> {
  return {
    'a hundred heads that do not end': async () => {
      const connection = await world.tunnel();
      connection.send(`GET /v1/x HTTP/1.1\r\nHost: ${boundHost}\r\nX-A: `);
      return connection;
    },
    'a hundred handshakes that stop': async () => {
      const connection = await openRaw(world.onecli.proxyPort);
      connection.send(connectHead(`${boundHost}:443`, world.agent, world.token));
      await connection.readResponse('CONNECT');
      connection.send(Buffer.from('160301', 'hex'));
      return connection;
    },
  };
}

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

/** @param pid whose CPU time is told too: on a machine that is busy, that holds stiller than latencies do */
async function report(name: string, neighbour: RawConnection, pid: number): Promise<void> {
  const before = cpuMicros(pid);
  const sorted = await latencies(neighbour);
  const cpu = (cpuMicros(pid) - before) / sorted.length;
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
  process.stdout.write(
    `${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, CPU ${cpu.toFixed(0)} µs a request of ${sorted.length}\n`,
  );
}

async function openAll(open: Open): Promise<RawConnection[]> {
  const held: RawConnection[] = [];
  for (let index = 0; index < count; index++) held.push(await open());
  return held;
}

/** Until a process has next to nothing to do for half a second. */
async function untilIdle(pid: number): Promise<void> {
  for (let before = -Infinity, now = cpuMicros(pid); now - before > 10_000; now = cpuMicros(pid)) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** @param slow opens a tunnel, or what stands for one */
async function measureSlowReaders(through: string, pid: number, slow: Open): Promise<void> {
  const neighbour = await slow();
  await latencies(neighbour);
  await report(`${through}, alone`, neighbour, pid);
  const held = await openAll(async () => {
    const connection = await slow();
    connection.socket.pause();
    connection.send(requestBytes('GET', '/v1/large'));
    return connection;
  });
  await report(`${through}, while a hundred downloads of 50 MB begin that nobody reads`, neighbour, pid);
  await untilIdle(pid);
  await report(`${through}, beside a hundred slow readers`, neighbour, pid);
  const reading = setInterval(() => {
    for (const { socket } of held) {
      socket.once('data', () => socket.pause());
      socket.resume();
    }
  }, 1000);
  await report(`${through}, beside a hundred that read a little each second`, neighbour, pid);
  clearInterval(reading);
  for (const connection of held) connection.close();
  await untilIdle(pid);
  await report(`${through}, alone again`, neighbour, pid);
  neighbour.close();
}

/** A process that copies what comes to a port to another one and back. Gives its port. */
const relaySource = `
  const net = require('node:net');
  const server = net.createServer((from) => {
    const to = net.connect(Number(process.argv[1]), '127.0.0.1');
    from.pipe(to).pipe(from);
    from.on('error', () => to.destroy());
    to.on('error', () => from.destroy());
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
`;

async function measureRelay(world: World): Promise<void> {
  const relay = fork('-e', [relaySource, String(world.upstream.port)], { execArgv: [], execPath: process.execPath });
  try {
    const [port] = (await once(relay, 'message')) as [number];
    const open = async (): Promise<RawConnection> => {
      const socket = connect({ port, host: '127.0.0.1', ca: world.authority.caPem, servername: boundHost });
      await once(socket, 'secureConnect');
      return new RawConnection(socket);
    };
    await measureSlowReaders('through a relay', relay.pid ?? 0, open);
  } finally {
    relay.kill();
  }
}

const world = await startWorld();
try {
  const part = Buffer.alloc(partBytes, 'x');
  world.upstream.handler = async (request, reply) => {
    if (request.target !== '/v1/large') return reply.json(200, { ok: true });
    await reply.raw(`HTTP/1.1 200 OK\r\nContent-Length: ${50 * megabyte}\r\n\r\n`);
    for (let sent = 0; sent < 50 * megabyte && !reply.socket.destroyed; sent += partBytes) await reply.raw(part);
  };
  const [worker = 0] = world.onecli.pidsOf('worker');
  await measureSlowReaders('through the gateway', worker, () => world.tunnel());
  await measureRelay(world);
  for (const [name, open] of Object.entries(kindsOf(world))) {
    const neighbour = await world.tunnel();
    await report('alone', neighbour, worker);
    const held = await openAll(open);
    await report(`beside ${name}`, neighbour, worker);
    for (const connection of [neighbour, ...held]) connection.close();
  }
} finally {
  await world.stop();
}
