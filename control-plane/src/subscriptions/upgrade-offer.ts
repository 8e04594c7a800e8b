import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** A connection that asks to become a WebSocket, while its request runs through the app as any other. */
export interface UpgradeOffer {
  readonly socket: Duplex;
  /** What came behind the request's head already. */
  readonly head: Buffer;
  readonly response: ServerResponse;
}

const offers = new WeakMap<IncomingMessage, UpgradeOffer>();

/** Leaves a connection with its request, for the handler that will take it. */
export function offerUpgrade(request: IncomingMessage, offer: UpgradeOffer): void {
  offers.set(request, offer);
}

/** True for a request whose connection may become a WebSocket. */
export function offersUpgrade(request: IncomingMessage): boolean {
  return offers.has(request);
}

/** Takes the connection from HTTP: nothing is answered on it any more. */
export function takeUpgrade(request: IncomingMessage): UpgradeOffer | undefined {
  const offer = offers.get(request);
  offers.delete(request);
  if (offer) offer.response.detachSocket(offer.socket as never);
  return offer;
}
