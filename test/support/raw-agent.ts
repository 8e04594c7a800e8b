import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { RawConnection, type RawResponse } from './raw-connection.ts';
import { within } from './wait-until.ts';

/** How to open a tunnel by hand. */
export interface TunnelOptions {
  proxyPort: number;
  /** `host:port` of the CONNECT line. Default `api.openai.com:443`. */
  authority?: string;
  /** The agent's name. Default `mallory`. */
  agent?: string;
  /** Proxy token: sent as the password of Basic proxy credentials. */
  token?: string | undefined;
  /** The exact CONNECT head in place of the usual one. */
  connectBytes?: string;
  /** The name in the TLS ClientHello; `false` sends none. Default: the host of `authority`. */
  sni?: string | false;
  /** Roots to trust, as PEM; absent: the proxy's certificate is not checked. */
  ca?: string;
  alpn?: string[];
  /** TLS with the proxy itself (`https://` proxy), with these options. */
  proxyTls?: ConnectionOptions;
  /** Sent ahead of everything: a load balancer's header. */
  preamble?: string | Buffer;
  /** Further lines of the CONNECT head, each with its line end. */
  connectLines?: string;
  /** A source address of this machine (127.0.0.0/8). */
  localAddress?: string;
}

/** What came of a CONNECT. */
export type Tunnel =
  | { kind: 'open'; answer: RawResponse; connection: RawConnection; alpn: string | false }
  | { kind: 'refused'; answer: RawResponse; connection: RawConnection }
  | { kind: 'tls-failed'; answer: RawResponse; error: Error };

/** Gives the value of Proxy-Authorization for an agent's name and proxy token. */
export function proxyCredentials(agent: string, token: string): string {
  return `Basic ${Buffer.from(`${agent}:${token}`).toString('base64')}`;
}

/** Opens a TCP connection to the proxy, or to any port of 127.0.0.1, with nothing sent yet. */
export async function openRaw(port: number, localAddress?: string): Promise<RawConnection> {
  const socket = connectTcp({
    port,
    host: '127.0.0.1',
    noDelay: true,
    ...(localAddress !== undefined && { localAddress }),
  });
  await within('connecting to the proxy', once(socket, 'connect'), 10_000);
  return new RawConnection(socket);
}

/** Connects to the proxy port as the options say; nothing of HTTP is sent yet. @throws when its TLS handshake fails */
export async function enterProxy(
  options: Pick<TunnelOptions, 'proxyPort' | 'localAddress' | 'preamble' | 'proxyTls'>,
): Promise<RawConnection> {
  const raw = await openRaw(options.proxyPort, options.localAddress);
  if (options.preamble !== undefined) raw.send(options.preamble);
  if (options.proxyTls === undefined) return raw;
  const socket = connectTls({ host: '127.0.0.1', ...options.proxyTls, socket: raw.release() });
  await within('the TLS handshake with the proxy', once(socket, 'secureConnect'), 10_000);
  return new RawConnection(socket);
}

/** Sends CONNECT and, when it is granted, does the TLS handshake through the tunnel. */
export async function openTunnel(options: TunnelOptions): Promise<Tunnel> {
  const authority = options.authority ?? 'api.openai.com:443';
  const raw = await enterProxy(options);
  raw.send(
    options.connectBytes ?? connectHead(authority, options.agent ?? 'mallory', options.token, options.connectLines),
  );
  const answer = await raw.readResponse('CONNECT');
  if (answer.status !== 200) return { kind: 'refused', answer, connection: raw };

  const sni = options.sni ?? authority.replace(/:\d+$/, '');
  const socket = connectTls({
    socket: raw.release(),
    ...(sni !== false && { servername: sni }),
    ...(options.ca === undefined ? { rejectUnauthorized: false } : { ca: options.ca }),
    ALPNProtocols: options.alpn ?? ['http/1.1'],
  });
  const connection = new RawConnection(socket);
  try {
    await within('the TLS handshake', once(socket, 'secureConnect'), 10_000);
    return { kind: 'open', answer, connection, alpn: socket.alpnProtocol ?? false };
  } catch (error) {
    socket.destroy();
    return { kind: 'tls-failed', answer, error: error as Error };
  }
}

/** Opens a tunnel that has to open. @throws Error with the answer when it does not. */
export async function mustOpenTunnel(options: TunnelOptions): Promise<RawConnection> {
  const tunnel = await openTunnel(options);
  if (tunnel.kind === 'open') return tunnel.connection;
  const why = tunnel.kind === 'refused' ? tunnel.answer.text : tunnel.error.message;
  throw new Error(`the tunnel did not open: ${tunnel.kind} ${tunnel.answer.status} ${tunnel.answer.reason} ${why}`);
}

/** The bytes of a request. A body gets its Content-Length unless the headers frame it. */
export function requestBytes(
  method: string,
  target: string,
  headers: Record<string, string | string[]> = {},
  body: string | Buffer = '',
): Buffer {
  const fields = { host: 'api.openai.com', ...headers };
  const names = Object.keys(fields).map((name) => name.toLowerCase());
  const lines = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  if (body.length > 0 && !names.includes('content-length') && !names.includes('transfer-encoding')) {
    lines.push(`content-length: ${Buffer.byteLength(body)}\r\n`);
  }
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return Buffer.concat([head, Buffer.from(body as string)]);
}

/** The usual CONNECT head. */
export function connectHead(authority: string, agent: string, token: string | undefined, lines = ''): string {
  const credentials = token === undefined ? '' : `Proxy-Authorization: ${proxyCredentials(agent, token)}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}${lines}\r\n`;
}
