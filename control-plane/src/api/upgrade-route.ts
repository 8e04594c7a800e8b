import type { RequestHandler } from 'express';
import type { SubscriptionServer } from '../subscriptions/subscription-server.ts';
import { offersUpgrade, takeUpgrade } from '../subscriptions/upgrade-offer.ts';
import { refuseForeign } from './guards.ts';
import type { GraphqlServices } from './graphql-context.ts';
import { lookAgain, principalOf, requestIdOf } from './request-context.ts';

/** Requests to become a WebSocket, and nothing else, go on. */
export const onlyUpgrades: RequestHandler = (request, _response, next) => {
  next(offersUpgrade(request) ? undefined : 'route');
};

/**
 * Makes a WebSocket of a connection whose request has signed in. A page of another origin may not: the browser would lend it the
 * login that it remembers, and no preflight asks (RFC 6455, section 10.2).
 */
export function upgradeRoute(server: SubscriptionServer, services: GraphqlServices): RequestHandler {
  return (request, response) => {
    refuseForeign(request);
    const take = () => {
      const offer = takeUpgrade(request);
      if (offer === undefined) throw new Error('The connection was taken already');
      return offer;
    };
    server.accept(request, take, {
      context: {
        principal: principalOf(response),
        requestId: requestIdOf(response),
        applied: services.applied,
        services,
      },
      signInAgain: () => lookAgain(response),
    });
  };
}
