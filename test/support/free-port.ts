// Ports for programs that are told where to listen. They lie below those that the system gives to sockets by itself, and each stays
// this process's until it ends: one that was only free a moment ago may be another's when the program comes to bind it.
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';

const firstPort = 10_400;
const endPort = 32_000;
const mostTries = 200;

/** Gives `count` different TCP ports on 127.0.0.1 that nobody has, and that no other process is given by this function. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freeRange(1));
  return ports;
}

/** Gives one such port. */
export function freePort(): Promise<number> {
  return freeRange(1);
}

/** Gives the first of `count` such ports that lie one after another. */
export async function freeRange(count: number): Promise<number> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const first = firstPort + Math.floor(Math.random() * (endPort - firstPort - count));
    if (await takeAll(first, count)) return first;
  }
  throw new Error(`no ${count} free ports one after another`);
}

async function takeAll(first: number, count: number): Promise<boolean> {
  const marks: Server[] = [];
  for (let port = first; port < first + count; port += 1) {
    const mark = await take(port);
    if (mark === undefined) {
      for (const earlier of marks) earlier.close();
      return false;
    }
    marks.push(mark);
  }
  return true;
}

/** A name in Linux's abstract namespace is one process's at a time, and free again when that has ended, however it ends. */
async function take(port: number): Promise<Server | undefined> {
  const mark = await listen({ path: `\0onecli-test-port-${port}` });
  if (mark === undefined) return undefined;
  const listener = await listen({ port, host: '127.0.0.1', exclusive: true });
  if (listener === undefined) {
    mark.close();
    return undefined;
  }
  listener.close();
  await once(listener, 'close');
  return mark.unref();
}

function listen(options: ListenOptions): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(options, () => resolve(server));
  });
}
