/** Dials an upstream: every address is checked, the checked address is dialled, the name is verified (rules 1, 5, 8). */
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { CheckedResolver, ResolvedAddress } from '@onecli/shared/netguard/checked-resolver';
import type { Protocol } from '../tls/intercept-tls.ts';
import type { Origin, UpstreamTls } from '../tls/upstream-tls.ts';
import { type Refusal, refusal } from './answer.ts';
import { raceAddresses } from './race-addresses.ts';
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
  const to = { addresses, port: resolution.port };
  return destination.isSecure ? secure(to, { host, port: destination.port }, options) : plain(to, dialMs);
}

interface CheckedAddresses {
  readonly addresses: readonly ResolvedAddress[];
  readonly port: number;
}

async function plain({ addresses, port }: CheckedAddresses, dialMs: number): Promise<Dialled> {
  const open = ({ address }: ResolvedAddress) => ({ socket: connectTcp({ host: address, port }) });
  const raced = await raceAddresses(addresses, open, dialMs);
  if (raced.kind === 'unreachable') return unreachable(raced.error);
  const { socket } = raced.attempt;
  socket.setNoDelay(true);
  return { kind: 'dialled', socket, isHttp2: false };
}

async function secure(
  { addresses, port }: CheckedAddresses,
  origin: Origin,
  { tls, dialMs, protocols }: DialOptions,
): Promise<Dialled> {
  const open = ({ address }: ResolvedAddress): { readonly socket: TLSSocket } => {
    const reads = new SharedReads();
    // Node's own types lack `onread` here.
    const secured: ConnectionOptions & { onread: OnReadOpts } = {
      ...tls.connectionOptions(origin, protocols),
      host: address,
      port,
      onread: reads.onread,
    };
    const socket = connectTls(secured);
    reads.attach(socket);
    tls.rememberSessions(socket, origin);
    return { socket };
  };
  const raced = await raceAddresses(addresses, open, dialMs);
  const dialled =
    raced.kind === 'connected' ? await shakeHands(raced.attempt.socket, dialMs) : unreachable(raced.error);
  if (dialled.kind === 'refused') tls.forgetSession(origin);
  return dialled;
}

function unreachable(error?: SocketError): Refusal {
  return refusal('UPSTREAM_UNREACHABLE', `The host did not accept a connection (${error?.code ?? 'timeout'}).`);
}

type SocketError = Error & { readonly code?: string };

/** Waits until the certificate of a socket that was just connected is verified, at most `dialMs`. */
function shakeHands(socket: TLSSocket, dialMs: number): Promise<Dialled> {
  socket.setNoDelay(true);
  return new Promise((resolve) => {
    const done = (result: Dialled): void => {
      clearTimeout(timer);
      socket.off('secureConnect', onReady);
      socket.off('error', onError);
      socket.off('close', onEnd);
      if (result.kind === 'refused') {
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    };
    const onReady = (): void => done({ kind: 'dialled', socket, isHttp2: socket.alpnProtocol === 'h2' });
    const onError = (error: SocketError): void => done(untrusted(socket, error));
    const onEnd = (): void => done(untrusted(socket, socket.errored ?? undefined));
    const timer = setTimeout(onEnd, dialMs);
    socket.on('secureConnect', onReady);
    socket.on('error', onError);
    socket.on('close', onEnd);
    if (socket.destroyed) onEnd();
  });
}

function untrusted(socket: TLSSocket, error?: SocketError): Refusal {
  return socket.authorizationError
    ? refusal(
        'UPSTREAM_UNTRUSTED',
        `The certificate of the upstream is not valid for this host (${error?.code ?? 'unknown'}).`,
      )
    : refusal('UPSTREAM_UNREACHABLE', `The TLS handshake with the upstream failed (${error?.code ?? 'timeout'}).`);
}
