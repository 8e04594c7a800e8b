import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { CheckedResolver, ResolvedAddress } from '@onecli/shared/netguard/checked-resolver';
import type { AuditView } from '../audit-store.ts';
import { type Sink, SinkFault } from './sink.ts';
import type { SyslogTarget } from './sink-settings.ts';
import { framed, syslogMessage } from './syslog-message.ts';

export interface SyslogSinkOptions {
  readonly target: SyslogTarget;
  readonly resolver: CheckedResolver;
  readonly secureContext: SecureContext;
}

const connectTimeoutMs = 10_000;
/** What a datagram holds (RFC 768 over IPv4). */
const maxDatagramBytes = 65_507;

/** Sends events by syslog. Its protocol has no answer: what a connection took that then broke may be lost on the other side. */
export class SyslogSink implements Sink {
  readonly name = 'syslog';
  readonly batchSize = 100;
  readonly #options: SyslogSinkOptions;
  #socket: Socket | undefined;

  constructor(options: SyslogSinkOptions) {
    this.#options = options;
  }

  async send(events: readonly AuditView[], _batch: string, signal: AbortSignal): Promise<void> {
    const messages = events.map((event) => syslogMessage(event, hostname(), process.pid));
    if (this.#options.target.protocol === 'udp') return this.#datagrams(messages, signal);
    const socket = await this.#connected(signal);
    await written(socket, Buffer.concat(messages.map(framed)), signal).catch((error: unknown) => {
      this.close();
      throw error;
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #datagrams(messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const { addresses, port } = await this.#resolve(signal);
    const [{ address, family } = { address: '', family: 4 as const }] = addresses;
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    try {
      for (const message of messages)
        await new Promise<void>((resolve, reject) =>
          socket.send(message.subarray(0, maxDatagramBytes), port, address, (error) =>
            error === null ? resolve() : reject(new SinkFault('a datagram could not be sent')),
          ),
        );
    } finally {
      socket.close();
    }
  }

  async #connected(signal: AbortSignal): Promise<Socket> {
    if (this.#socket?.writable === true) return this.#socket;
    this.close();
    const { target, secureContext } = this.#options;
    const { addresses, port } = await this.#resolve(signal);
    const lookup: LookupFunction = (_name, _options, give) => give(null, [...addresses]);
    const raw = connectTcp({ host: 'checked', port, lookup, autoSelectFamily: true, keepAlive: true });
    const ending = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]);
    await opened(raw, 'connect', ending);
    const name = isIP(target.host) === 0 ? { servername: target.host } : {};
    const socket =
      target.protocol === 'tcp' ? raw : connectTls({ socket: raw, secureContext, host: target.host, ...name });
    if (socket !== raw) await opened(socket, 'secureConnect', ending);
    // Syslog servers say nothing; what they say is not kept.
    socket.resume().on('error', () => undefined);
    this.#socket = socket;
    return socket;
  }

  async #resolve(signal: AbortSignal): Promise<{ addresses: readonly ResolvedAddress[]; port: number }> {
    const { resolver, target } = this.#options;
    const resolution = await resolver.resolve(target.host, target.port, signal);
    if (resolution.kind === 'refused')
      throw new SinkFault(`the syslog server has an address that is refused (${resolution.reason})`);
    if (resolution.kind === 'failed')
      throw new SinkFault(`the syslog server's name did not resolve (${resolution.code})`);
    return resolution;
  }
}

function written(socket: Socket, data: Buffer, signal: AbortSignal): Promise<void> {
  return settled(socket, signal, 'the connection to the syslog server broke', (done) => {
    socket.write(data, (error) => {
      if (error === undefined || error === null) done();
    });
  });
}

function opened(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  const what =
    event === 'connect' ? 'the syslog server took no connection' : 'the syslog server has no good certificate';
  return settled(socket, signal, what, (done) => void socket.once(event, done));
}

/** Resolves when `begin` says so; a socket that fails or closes before, or that takes too long, is a fault. */
function settled(socket: Socket, signal: AbortSignal, what: string, begin: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      end();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(new SinkFault(what));
    };
    const end = (): void => {
      socket.off('error', fail).off('close', fail);
      signal.removeEventListener('abort', fail);
    };
    socket.on('error', fail).on('close', fail);
    signal.addEventListener('abort', fail);
    if (signal.aborted) return fail();
    begin(() => {
      end();
      resolve();
    });
  });
}
