/** Dials an upstream: every address is checked, the checked address is dialled, the name is verified (rules 1, 5, 8). */
import {
  connect as connectTcp,
  type LookupFunction,
  type OnReadOpts,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { CheckedResolver, ResolvedAddress } from '@onecli/shared/netguard/checked-resolver';
import type { Protocol } from '../tls/intercept-tls.ts';
import type { Origin, UpstreamTls } from '../tls/upstream-tls.ts';
import { type Refusal, refusal } from './answer.ts';
import { SharedReads } from './shared-reads.ts';

export interface DialOptions {
  readonly resolver: CheckedResolver;
  readonly tls: UpstreamTls;
  readonly dialMs: number;
  /** What no rule and no binding names is not dialled, whoever asks. */
  readonly isPortNamed: (port: number) => boolean;
  /** What is offered over TLS; HTTP/1.1 alone when nothing is said. */
  readonly protocols?: readonly Protocol[];
}

/** `host` is canonical; IPv6 stands in brackets. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

export type Dialled =
  /** `isHttp2`: the upstream has chosen it. */
  { readonly kind: 'dialled'; readonly socket: Socket; readonly isHttp2: boolean } | Refusal;

/** Gives a connected socket, over TLS with a verified certificate when the destination is secure. Never rejects. */
export async function dial(destination: Destination, options: DialOptions): Promise<Dialled> {
  const { resolver, dialMs } = options;
  if (!options.isPortNamed(destination.port))
    return refusal('PORT_REFUSED', 'No rule and no binding names the port of this request.');
  const host = destination.host.startsWith('[') ? destination.host.slice(1, -1) : destination.host;
  const resolution = await resolver.resolve(host, destination.port);
  if (resolution.kind === 'refused')
    return refusal('ADDRESS_REFUSED', `The host resolves to an address that is refused (${resolution.reason}).`);
  if (resolution.kind === 'failed')
    return refusal('UPSTREAM_UNREACHABLE', `The host did not resolve (${resolution.code}).`);
  const { addresses } = resolution;
  if (addresses.length === 0) return refusal('UPSTREAM_UNREACHABLE', 'The host has no address.');
  const to = { host: 'checked', port: resolution.port, lookup: only(addresses), autoSelectFamily: true };
  return destination.isSecure
    ? secure(to, { host, port: destination.port }, options)
    : settle(connectTcp(to), 'connect', dialMs, unreachable);
}

/** Leaves nothing to be looked up: the checked addresses are tried, several at once where there are several (RFC 8305). */
function only(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_, { all }, give) => {
    const [{ address, family }] = addresses as [ResolvedAddress];
    if (!all) give(null, address, family);
    else
      give(
        null,
        addresses.map((one) => ({ address: one.address, family: one.family })),
      );
  };
}

type CheckedAddresses = Pick<TcpNetConnectOpts, 'host' | 'port' | 'lookup' | 'autoSelectFamily'>;

async function secure(to: CheckedAddresses, origin: Origin, { tls, dialMs, protocols }: DialOptions): Promise<Dialled> {
  const reads = new SharedReads();
  // Node's own types lack `onread` here.
  const secured: ConnectionOptions & { onread: OnReadOpts } = {
    ...tls.connectionOptions(origin, protocols),
    ...to,
    onread: reads.onread,
  };
  const socket = connectTls(secured);
  reads.attach(socket);
  tls.rememberSessions(socket, origin);
  const dialled = await settle(socket, 'secureConnect', dialMs, (error, isConnected) => {
    if (!isConnected) return unreachable(error);
    if (socket.authorizationError)
      return refusal(
        'UPSTREAM_UNTRUSTED',
        `The certificate of the upstream is not valid for this host (${error?.code ?? 'unknown'}).`,
      );
    return refusal('UPSTREAM_UNREACHABLE', `The TLS handshake with the upstream failed (${error?.code ?? 'timeout'}).`);
  });
  if (dialled.kind === 'dialled') return { ...dialled, isHttp2: socket.alpnProtocol === 'h2' };
  tls.forgetSession(origin);
  return dialled;
}

function unreachable(error?: SocketError): Refusal {
  return refusal('UPSTREAM_UNREACHABLE', `The host did not accept a connection (${error?.code ?? 'timeout'}).`);
}

type SocketError = Error & { readonly code?: string };

/** Waits until a socket is ready, at most `dialMs` to be connected and as long again for the handshake. */
function settle(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  dialMs: number,
  refuse: (error: SocketError | undefined, isConnected: boolean) => Refusal,
): Promise<Dialled> {
  socket.setNoDelay(true);
  return new Promise((resolve) => {
    let isConnected = false;
    const done = (result: Dialled): void => {
      clearTimeout(timer);
      socket.off('connect', onConnected);
      socket.off(event, onReady);
      socket.off('error', onError);
      socket.off('close', onClose);
      if (result.kind === 'refused') {
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    };
    const onConnected = (): void => {
      isConnected = true;
      timer.refresh();
    };
    const onReady = (): void => done({ kind: 'dialled', socket, isHttp2: false });
    const onError = (error: SocketError): void => done(refuse(error, isConnected));
    const onClose = (): void => done(refuse(undefined, isConnected));
    const timer = setTimeout(() => done(refuse(undefined, isConnected)), dialMs);
    socket.on('connect', onConnected);
    socket.on(event, onReady);
    socket.on('error', onError);
    socket.on('close', onClose);
  });
}
