import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const timeoutMs = 10_000;
const maxHeadBytes = 65_536;

/** The head of an answer of the proxy. */
export interface ProxyAnswer {
  readonly status: number;
  readonly reason: string;
  /** Field names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the gateway made of a CONNECT. `socket` is the open tunnel and the caller's to destroy. */
export type ConnectResult =
  | { readonly kind: 'tunnel'; readonly socket: Socket; readonly answer: ProxyAnswer }
  | { readonly kind: 'refused'; readonly answer: ProxyAnswer }
  | { readonly kind: 'unreachable'; readonly cause: Error };

/** Asks a proxy for a tunnel to `host`:`port` as an agent does (RFC 9110 section 9.3.6), on a raw socket so that nothing is hidden. */
export async function probeConnect(
  proxyAddress: string,
  credentials: string,
  host: string,
  port: number,
): Promise<ConnectResult> {
  const socket = openSocket(proxyAddress);
  try {
    const authority = `${host}:${port}`;
    socket.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n\r\n`,
    );
    const answer = parseAnswerHead(await readHead(socket));
    if (answer === undefined) throw new Error('the answer is not HTTP');
    if (answer.status === 200) return { kind: 'tunnel', socket, answer };
    socket.destroy();
    return { kind: 'refused', answer };
  } catch (cause) {
    socket.destroy();
    return { kind: 'unreachable', cause: cause instanceof Error ? cause : new Error(String(cause)) };
  }
}

/**
 * Makes a TLS handshake through a tunnel, trusting the roots in `caPem` alone. Gives undefined when the certificate is trusted,
 * else why not. Destroys the socket.
 */
export async function probeTrust(socket: Socket, host: string, caPem: string): Promise<string | undefined> {
  const tls = connectTls({ socket, servername: host, ca: caPem, ALPNProtocols: ['http/1.1'] });
  tls.setTimeout(timeoutMs, () => tls.destroy(new Error('no TLS handshake in time')));
  try {
    await new Promise<void>((resolve, reject) =>
      tls.once('secureConnect', resolve).once('error', reject).once('close', reject),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'the connection was closed';
  } finally {
    tls.on('error', ignoreLateError).destroy();
    socket.destroy();
  }
}

/** Reads a status line and fields (RFC 9112 section 4); undefined when it is none. */
export function parseAnswerHead(head: string): ProxyAnswer | undefined {
  const [first = '', ...rest] = head.split('\r\n');
  const line = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(first);
  if (line === null) return undefined;
  const headers: Record<string, string> = {};
  for (const field of rest) {
    const colon = field.indexOf(':');
    if (colon > 0) headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  return { status: Number(line[1]), reason: line[2] ?? '', headers };
}

function openSocket(proxyAddress: string): Socket {
  const url = new URL(proxyAddress);
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (isTls ? 443 : 80));
  const socket = isTls ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer in time')));
  return socket;
}

async function readHead(socket: Socket): Promise<string> {
  let text = '';
  return await new Promise<string>((resolve, reject) => {
    const end = (settle: () => void): void => {
      socket.off('data', read);
      socket.pause();
      socket.setTimeout(0);
      settle();
    };
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const at = text.indexOf('\r\n\r\n');
      if (at !== -1) end(() => resolve(text.slice(0, at)));
      else if (text.length > maxHeadBytes) end(() => reject(new Error('the answer is too large')));
    };
    socket.on('data', read);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

// The result is known by now; a peer's reset on the way out says nothing more.
function ignoreLateError(): void {
  return undefined;
}
