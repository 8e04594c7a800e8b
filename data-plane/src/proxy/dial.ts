/** Dials an upstream: every address is checked, the checked address is dialled, the name is verified (rules 1, 5, 8). */
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { CheckedResolver, ResolvedAddress } from '@onecli/shared/netguard/checked-resolver';
import type { Protocol } from '../tls/intercept-tls.ts';
import type { Origin, UpstreamTls } from '../tls/upstream-tls.ts';
import { type Refusal, refusal } from './answer.ts';

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
  const raw = await connectRaw(resolution.addresses, resolution.port, dialMs);
  if (raw.kind === 'refused' || !destination.isSecure) return raw;
  return secure(raw.socket, { host, port: destination.port }, options);
}

/** Tries the checked addresses, several at once where there are several (RFC 8305). */
function connectRaw(addresses: readonly ResolvedAddress[], port: number, dialMs: number): Promise<Dialled> {
  const [first] = addresses;
  if (!first) return Promise.resolve(refusal('UPSTREAM_UNREACHABLE', 'The host has no address.'));
  const lookup: LookupFunction = (_, __, give) =>
    give(
      null,
      addresses.map(({ address, family }) => ({ address, family })),
    );
  const socket =
    addresses.length === 1
      ? connectTcp({ host: first.address, port })
      : connectTcp({ host: 'checked', port, lookup, autoSelectFamily: true });
  socket.setNoDelay(true);
  return settle(socket, 'connect', dialMs, (error) =>
    refusal('UPSTREAM_UNREACHABLE', `The host did not accept a connection (${error?.code ?? 'timeout'}).`),
  );
}

async function secure(raw: Socket, origin: Origin, { tls, dialMs, protocols }: DialOptions): Promise<Dialled> {
  const socket = connectTls({ ...tls.connectionOptions(origin, protocols), socket: raw });
  tls.rememberSessions(socket, origin);
  const dialled = await settle(socket, 'secureConnect', dialMs, (error) => {
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

type SocketError = Error & { readonly code?: string };

function settle(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  dialMs: number,
  refuse: (error?: SocketError) => Refusal,
): Promise<Dialled> {
  return new Promise((resolve) => {
    const done = (result: Dialled): void => {
      clearTimeout(timer);
      socket.off(event, onReady);
      socket.off('error', onError);
      socket.off('close', onClose);
      if (result.kind === 'refused') {
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    };
    const onReady = (): void => done({ kind: 'dialled', socket, isHttp2: false });
    const onError = (error: SocketError): void => done(refuse(error));
    const onClose = (): void => done(refuse());
    const timer = setTimeout(() => done(refuse()), dialMs);
    socket.on(event, onReady);
    socket.on('error', onError);
    socket.on('close', onClose);
  });
}
