import type { SendHandle } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { exitCodes } from '@onecli/shared/exit-codes';
import { StartFault } from '../start-fault.ts';
import { waitFor } from '../wait-for.ts';

/** The part of Node's TCP handle that we use: a bound socket that nobody accepts from in this process. */
interface BoundHandle {
  close(): void;
}

/** A bound socket as `child.send` takes it and as `server.listen` takes it in the child. */
export type SharedHandle = NonNullable<SendHandle>;

interface NetWithHandles {
  _createServerHandle?: (address: string, port: number, addressType: 4 | 6) => BoundHandle | number;
}

interface PortSetting {
  readonly bind: string;
  readonly port: number;
  /** How to choose another, for the message: `--proxy-port (ONECLI_PROXY_PORT)`. */
  readonly setting: string;
}

/**
 * Proves that the port can be listened on, waiting up to `patienceMs` for one that an ending process still holds.
 * @throws StartFault with exit code 4 that names the port, its holder if it can be found, and the setting
 */
export async function requireFreePort({ bind, port, setting }: PortSetting, patienceMs: number): Promise<void> {
  let code: string | undefined;
  const isFree = await waitFor(
    async () => {
      code = await tryListening(bind, port);
      return code === undefined || code !== 'EADDRINUSE';
    },
    { timeoutMs: patienceMs, everyMs: 100 },
  );
  if (isFree === true && code === undefined) return;
  const choice = `Choose another with ${setting}.`;
  if (code === 'EADDRINUSE') {
    const holder = findHolder(port);
    const by = holder === undefined ? '' : ` by ${holder}`;
    throw new StartFault(`Port ${port} on ${bind} is in use${by}. ${choice}`, { exitCode: exitCodes.taken });
  }
  throw new StartFault(`Port ${port} on ${bind} cannot be listened on (${code}). ${choice}`, {
    exitCode: exitCodes.taken,
  });
}

/**
 * Binds the port once, in the supervisor, for workers to accept from: while one restarts, the kernel queues connections.
 * The supervisor itself never accepts, which Node's public listen() could not promise; hence the handle. It must travel
 * as it is: a child accepts from a `net.Server` from the moment that it arrives, before anybody there can serve.
 * @returns the handle to pass to `child.send('listener', handle)`, and its end
 */
export function bindSharedListener(bind: string, port: number): { handle: SharedHandle; close(): void } {
  const create = (net as NetWithHandles)._createServerHandle;
  const handle = create?.(bind, port, net.isIPv6(bind) ? 6 : 4);
  if (handle === undefined || typeof handle === 'number') {
    throw new StartFault(`Port ${port} on ${bind} cannot be bound.`, { exitCode: exitCodes.taken });
  }
  // Node's types know the servers and sockets around a handle only; Node itself sends either.
  return { handle: handle as unknown as SharedHandle, close: () => handle.close() };
}

function tryListening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Finds the listening process through /proc, where there is one and it is ours to read. */
function findHolder(port: number): string | undefined {
  try {
    const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
    const inodes = ['tcp', 'tcp6']
      .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      // Field 1 is the local address, 3 the state (0A: LISTEN), 9 the inode.
      .filter((fields) => fields[1]?.endsWith(`:${hexPort}`) && fields[3] === '0A')
      .map((fields) => `socket:[${fields[9]}]`);
    const pid = readdirSync('/proc').find((name) => /^[0-9]+$/.test(name) && holdsOneOf(name, inodes));
    return pid === undefined ? undefined : `process ${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`;
  } catch {
    return undefined;
  }
}

function holdsOneOf(pid: string, links: readonly string[]): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) =>
      links.includes(readlinkOrNothing(`/proc/${pid}/fd/${descriptor}`)),
    );
  } catch {
    return false;
  }
}

function readlinkOrNothing(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
