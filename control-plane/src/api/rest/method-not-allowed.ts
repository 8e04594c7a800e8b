import { Fault } from '@onecli/shared/fault';
import type { RequestHandler } from 'express';
import type { RestMethod } from './rest-route.ts';

/** For a path that is served, and not with this method (RFC 9110, section 15.5.6): says with which. */
export function methodNotAllowed(methods: Iterable<RestMethod>): RequestHandler {
  const served = new Set([...methods].map((method) => method.toUpperCase()));
  // Whatever is got can be asked for its head.
  if (served.has('GET')) served.add('HEAD');
  const allow = [...served].sort().join(', ');
  return (_request, response) => {
    response.set('Allow', allow);
    throw new Fault('METHOD_NOT_ALLOWED', `This path takes ${allow}`);
  };
}
