import { parseCookie } from 'cookie';
import type { Request, Response } from 'express';

/**
 * The names of the session's cookie. Over TLS the browser itself keeps others from setting one of the first name: it takes it
 * from this host alone, with Secure, for every path (RFC 6265bis, section 4.1.3.2). Over plain HTTP, on a laptop, there is no such
 * name.
 */
const overTls = '__Host-onecli_session';
const inTheClear = 'onecli_session';

function nameFor(request: Request): string {
  return request.secure ? overTls : inTheClear;
}

/** The token in the session's cookie, under the name that is right for this connection; undefined when there is none. */
export function readSessionCookie(request: Request): string | undefined {
  const { cookie } = request.headers;
  return cookie === undefined ? undefined : parseCookie(cookie)[nameFor(request)];
}

/** Gives the browser its session: no script reads it, no other site sends it. It ends with the browser or the session. */
export function setSessionCookie(request: Request, response: Response, token: string): void {
  response.cookie(nameFor(request), token, attributes(request));
}

/** Takes the session from the browser. */
export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(nameFor(request), attributes(request));
}

function attributes(request: Request) {
  return { httpOnly: true, sameSite: 'strict', secure: request.secure, path: '/' } as const;
}
