/**
 * What idle tunnels cost a worker: `node --conditions=source --import tsx test/hostile/measure-idle-tunnels.ts [count]`.
 * Opens them through CONNECT and TLS, once with no request and once with one request each, and prints the memory.
 */
import { peakBytes, proportionalBytes } from '../support/process-facts.ts';
import { startWorld } from '../support/world.ts';
import { openIdleTunnels } from './idle-tunnels.ts';

const count = Number(process.argv[2] ?? 10_000);
const settleMs = 3_000;
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`;

for (const hasRequest of [false, true]) {
  const env = { ONECLI_LIMIT_TUNNELS_PER_AGENT: String(count + 100), ONECLI_LIMIT_FIRST_HEAD_MS: '600000' };
  const world = await startWorld({ start: { env } });
  try {
    const [worker = 0] = world.onecli.pidsOf('worker');
    const before = proportionalBytes(worker);
    const started = performance.now();
    const { agent, token, caPem } = world;
    const { proxyPort } = world.onecli;
    const sockets = await openIdleTunnels({ proxyPort, agent, token, caPem, count, concurrency: 64, hasRequest });
    const seconds = (performance.now() - started) / 1000;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const after = proportionalBytes(worker);
    const lost = sockets.filter((socket) => socket.destroyed).length;
    process.stdout.write(
      `${count} tunnels, ${hasRequest ? 'one request each' : 'no request'}: ${megabytes(before)} before, ` +
        `${megabytes(after)} with them, ${megabytes(peakBytes(worker))} at most, ` +
        `${((after - before) / count / 1024).toFixed(1)} KB each, opened in ${seconds.toFixed(1)} s, ${lost} lost\n`,
    );
    for (const socket of sockets) socket.destroy();
  } finally {
    await world.stop();
  }
}
