/** The first bytes of a connection on the proxy port: a load balancer's header, then TLS or HTTP. */
import type { Socket } from 'node:net';
import { canonicalAddress, type CidrMap } from '@onecli/shared/domain/cidr';
import { readProxyHeader } from '../identity/proxy-protocol.ts';

export type Opening =
  | {
      readonly kind: 'opened';
      readonly isTls: boolean;
      /** Where it comes from; undefined when a trusted load balancer did not say. */
      readonly source: string | undefined;
    }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'closed' };

/** Whether a trusted load balancer may leave its header out. */
export type ProxyProtocol = 'optional' | 'required';

const HANDSHAKE_RECORD = 0x16;

/**
 * Waits for the first byte after a PROXY header, if there is one, and takes the header off; what follows stays unread. Only
 * peers in `trustedProxies` may send one: another could call itself whoever it likes. A trusted one that sends none is refused
 * where it is required to, and otherwise leaves the source unknown, for its own address is no client's.
 */
export function readOpening(socket: Socket, trustedProxies: CidrMap<ProxyProtocol>): Promise<Opening> {
  const address = canonicalAddress(socket.remoteAddress ?? '');
  const trusted = address === undefined ? undefined : trustedProxies.find(address);
  const isTrusted = trusted !== undefined;
  let source = isTrusted ? undefined : address;
  let isHeaderOver = false;
  return new Promise((resolve) => {
    const settle = (opening: Opening): void => {
      socket.off('readable', look);
      socket.off('end', onClosed);
      socket.off('close', onClosed);
      resolve(opening);
    };
    const onClosed = (): void => settle({ kind: 'closed' });
    let held: Buffer = Buffer.alloc(0);
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const header = isHeaderOver ? ({ kind: 'none' } as const) : readProxyHeader(held);
      if (header.kind === 'incomplete' && isTrusted) return;
      // Of a stranger a part of a header is enough to wait for, and the rest of it to refuse.
      if (header.kind === 'incomplete' && held.length < 16) return;
      if (header.kind === 'malformed' && isTrusted) return settle({ kind: 'refused', detail: header.detail });
      if (header.kind === 'none' && trusted === 'required' && !isHeaderOver)
        return settle({ kind: 'refused', detail: missingHeader });
      if (header.kind === 'none') return open();
      if (header.kind !== 'header' || !isTrusted) return settle({ kind: 'refused', detail: untrustedProxy });
      isHeaderOver = true;
      source = header.source;
      held = held.subarray(header.consumedBytes);
      if (held.length > 0) open();
    };
    const open = (): void => {
      const isTls = held[0] === HANDSHAKE_RECORD;
      socket.unshift(held);
      settle({ kind: 'opened', isTls, source });
    };
    if (socket.destroyed || socket.readableEnded) return onClosed();
    socket.on('readable', look);
    socket.on('end', onClosed);
    socket.on('close', onClosed);
    look();
  });
}

const missingHeader =
  'a connection of a load balancer in ONECLI_TRUSTED_PROXIES began without a PROXY header, and ONECLI_PROXY_PROTOCOL is required';
const untrustedProxy = 'a PROXY header came from an address that ONECLI_TRUSTED_PROXIES does not name';
