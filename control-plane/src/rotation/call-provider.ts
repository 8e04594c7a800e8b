/**
 * One HTTPS request to a provider, as careful as a worker's: every address is checked and the checked one is dialled, the
 * certificate is verified for the name, redirects are not followed, and neither a long answer nor a slow one takes more than its bound.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { ProviderFault } from './provider-fault.ts';

export interface ProviderRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface ProviderAnswer {
  readonly status: number;
  /** Held for the moment only: it may be a key. */
  readonly body: string;
}

export interface ProviderCaller {
  /** @throws ProviderFault; its message names the host and what happened, nothing that was sent or answered */
  call(request: ProviderRequest, signal: AbortSignal): Promise<ProviderAnswer>;
}

export interface GuardedCallerOptions {
  readonly resolver: CheckedResolver;
  readonly secureContext: SecureContext;
  /** For the whole call. */
  readonly timeoutMs?: number;
  readonly maxAnswerBytes?: number;
}

const maxHeadBytes = 16 * 1024;

export class GuardedCaller implements ProviderCaller {
  readonly #resolver: CheckedResolver;
  readonly #secureContext: SecureContext;
  readonly #timeoutMs: number;
  readonly #maxAnswerBytes: number;

  constructor(options: GuardedCallerOptions) {
    this.#resolver = options.resolver;
    this.#secureContext = options.secureContext;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#maxAnswerBytes = options.maxAnswerBytes ?? 256 * 1024;
  }

  async call(request: ProviderRequest, signal: AbortSignal): Promise<ProviderAnswer> {
    const ending = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    const { hostname } = request.url;
    const socket = await this.#dial(request.url, ending);
    try {
      return await this.#exchange(request, socket, ending);
    } catch (error) {
      if (error instanceof ProviderFault) throw error;
      throw new ProviderFault(hostname, ending.aborted ? 'did not answer in time' : 'did not answer in HTTP');
    } finally {
      socket.destroy();
    }
  }

  async #dial(url: URL, ending: AbortSignal): Promise<Socket> {
    const host = hostOf(url);
    if (url.protocol !== 'https:')
      throw new ProviderFault(host, 'is not to be called without TLS', { leftNothing: true });
    const port = url.port === '' ? 443 : Number(url.port);
    const resolution = await this.#resolver.resolve(host, port, ending);
    if (resolution.kind === 'refused')
      throw new ProviderFault(host, `resolves to an address that is refused (${resolution.reason})`, {
        leftNothing: true,
      });
    if (resolution.kind === 'failed')
      throw new ProviderFault(host, `did not resolve (${resolution.code})`, { leftNothing: true });
    const { addresses } = resolution;
    const lookup: LookupFunction = (_name, _options, give) => give(null, [...addresses]);
    const raw = connectTcp({ host: 'checked', port: resolution.port, lookup, autoSelectFamily: true });
    await opened(raw, 'connect', host, ending);
    const isLiteral = /^[0-9.]+$|:/.test(host);
    const socket = connectTls({
      socket: raw,
      secureContext: this.#secureContext,
      host,
      ...(isLiteral ? {} : { servername: host }),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
    });
    await opened(socket, 'secureConnect', host, ending);
    return socket;
  }

  #exchange({ method, url, headers, body }: ProviderRequest, socket: Socket, signal: AbortSignal) {
    const host = hostOf(url);
    return new Promise<ProviderAnswer>((resolve, reject) => {
      const outgoing = httpsRequest({
        // Without an agent, which would open a connection of its own.
        createConnection: () => socket,
        host,
        method,
        path: url.pathname + url.search,
        headers: {
          ...headers,
          host: url.host,
          'accept-encoding': 'identity',
          connection: 'close',
          'content-length': Buffer.byteLength(body ?? ''),
        },
        maxHeaderSize: maxHeadBytes,
        signal,
      });
      outgoing.on('error', reject);
      // A connection that goes over to another protocol ends without an error: nobody else would say that nothing comes.
      const noHttp = (): void => reject(new ProviderFault(host, 'did not answer in HTTP'));
      outgoing.on('close', noHttp);
      outgoing.on('response', (incoming) => {
        outgoing.off('close', noHttp);
        // Whichever comes first: the request ends by itself when its time is over.
        this.#read(incoming, host).then(resolve, reject);
      });
      outgoing.end(body ?? '');
    });
  }

  #read(incoming: IncomingMessage, host: string): Promise<ProviderAnswer> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > this.#maxAnswerBytes) {
          reject(new ProviderFault(host, `answered more than ${this.#maxAnswerBytes} bytes`));
          incoming.destroy();
        } else pieces.push(piece);
      });
      incoming.on('error', reject);
      incoming.on('aborted', () => reject(new ProviderFault(host, 'ended its answer in the middle')));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') }),
      );
    });
  }
}

/** The name or address of a URL, without the brackets of IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function opened(socket: Socket, event: 'connect' | 'secureConnect', host: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      done();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(new ProviderFault(host, what, { leftNothing: true }));
    };
    const onError = (error: NodeJS.ErrnoException): void =>
      fail(
        `${event === 'connect' ? 'did not accept a connection' : 'has no valid certificate or TLS'} (${error.code ?? 'unknown'})`,
      );
    const onAbort = (): void => fail('did not answer in time');
    const onReady = (): void => {
      done();
      resolve();
    };
    const done = (): void => {
      socket.off('error', onError);
      socket.off(event, onReady);
      signal.removeEventListener('abort', onAbort);
    };
    socket.on('error', onError);
    socket.on(event, onReady);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}
