import { Fault } from '@onecli/shared/fault';
import { type NextFunction, type Request, type RequestHandler, type Response, json } from 'express';
import type { Authenticator } from '../auth/authenticator.ts';
import { readSessionCookie } from '../auth/sessions/session-cookie.ts';
import { BodyBudget } from './body-budget.ts';
import { addressOf, principalOf, requestIdOf, signIn, signInAgain } from './request-context.ts';

const maxBodyBytes = 1024 * 1024;
const maxPublicBodyBytes = 8 * 1024;
const publicBodyTimeoutMs = 5_000;
const maxConfigurationBytes = 8 * maxBodyBytes;
const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Lets through who can sign in. */
export function requireLogin(authenticator: Authenticator): RequestHandler {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    const origin = { address: addressOf(request), requestId: requestIdOf(response) };
    const cookie = readSessionCookie(request);
    const principal = await authenticator.authenticate(authorization, origin.address, cookie);
    const again = async () => ({
      ...(await authenticator.authenticateAgain(principal, authorization, cookie)),
      origin,
    });
    signIn(response, { ...principal, origin }, again);
    next();
  };
}

/** Asks again who calls when a body was read: it may have come long after the head, by which the caller was let in. */
export async function requireLoginStill(request: Request, response: Response, next: NextFunction): Promise<void> {
  if (!reads.has(request.method) && hasBody(request)) await signInAgain(response);
  next();
}

/**
 * Refuses writes that a page of another origin makes with the browser's remembered login (OWASP, Cross-Site Request Forgery
 * Prevention). Clients that are no browser send neither header, and no cookie: a write by cookie has to say where it is from.
 */
export function refuseForeignOrigin(request: Request, _response: Response, next: NextFunction): void {
  if (!reads.has(request.method)) refuseForeign(request);
  next();
}

/** As `refuseForeignOrigin`, for a path on which a page may ask without a preflight: its reads as well. */
export function refuseForeignAlways(request: Request, _response: Response, next: NextFunction): void {
  refuseForeign(request);
  next();
}

/** @throws Fault FORBIDDEN for what a page of another origin may have sent */
export function refuseForeign(request: Request): void {
  if (isForeign(request)) throw new Fault('FORBIDDEN', 'A page of another origin may not write here');
}

function isForeign(request: Request): boolean {
  const { origin, authorization, 'sec-fetch-site': site } = request.headers;
  if (typeof site === 'string' && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return authorization === undefined && site === undefined && hasSession(request);
  if (!URL.canParse(origin)) return true;
  const { host, protocol } = new URL(origin);
  return host !== request.host?.toLowerCase() || (request.secure && protocol !== 'https:');
}

function hasSession(request: Request): boolean {
  return readSessionCookie(request) !== undefined;
}

const reader = (limit: number) => json({ type: () => true, limit, strict: true, inflate: false });
const readSmallBody = reader(maxPublicBodyBytes);
const [readBody, readConfiguration] = [reader(maxBodyBytes), reader(maxConfigurationBytes)];

/** Whole configurations come here, and are larger than what is said of one object. */
const configurationPaths: ReadonlySet<string> = new Set(['/api/plan', '/api/apply']);

/** Reads the body of a write by who has signed in as JSON, at most 1 MB, or 8 MB for a configuration, and so much in a minute. */
export function readJson(): RequestHandler {
  const budget = new BodyBudget();
  return async (request, response, next) => {
    if (isEmpty(request)) return next();
    const isConfiguration = configurationPaths.has(request.baseUrl + request.path);
    const limit = isConfiguration ? maxConfigurationBytes : maxBodyBytes;
    const told = Number(request.headers['content-length'] ?? limit);
    refuseLarge(told, limit);
    const settle = await budget.take(principalOf(response), told);
    const { cameBytes, error } = await readCounted(isConfiguration ? readConfiguration : readBody, request, response);
    await settle(cameBytes);
    next(error);
  };
}

/** Has a body read, and tells how much of it came and what was wrong with it, if anything was. */
function readCounted(
  reader: RequestHandler,
  request: Request,
  response: Response,
): Promise<{ readonly cameBytes: number; readonly error: unknown }> {
  return new Promise((resolve) => {
    let [cameBytes, isRead] = [0, false];
    const count = (piece: Buffer) => void (cameBytes += piece.length);
    void reader(request, response, (error?: unknown) => {
      isRead = true;
      request.off('data', count);
      resolve({ cameBytes, error });
    });
    // After the reader's own: to listen makes the body flow.
    if (!isRead) request.on('data', count);
  });
}

/** Reads the body of a write that needs no login: it is small, and comes at once. */
export function readSmallJson(request: Request, response: Response, next: NextFunction): void {
  if (isEmpty(request)) return next();
  refuseLarge(Number(request.headers['content-length'] ?? 0), maxPublicBodyBytes);
  const timer = setTimeout(() => request.destroy(), publicBodyTimeoutMs);
  readSmallBody(request, response, (error?: unknown) => {
    clearTimeout(timer);
    next(error);
  });
}

/** The reader would wait for the end of it. @throws Fault TOO_LARGE */
function refuseLarge(toldBytes: number, limit: number): void {
  if (toldBytes > limit) throw new Fault('TOO_LARGE', 'The body is too large');
}

/** A write without a body is an empty object. @throws Fault UNSUPPORTED_MEDIA for one that is no JSON */
function isEmpty(request: Request): boolean {
  if (reads.has(request.method) || !hasBody(request)) {
    request.body = {};
    return true;
  }
  if (!/^application\/json *(?:; *charset *= *"?utf-8"?)? *$/i.test(request.headers['content-type'] ?? ''))
    throw new Fault('UNSUPPORTED_MEDIA', 'The body must be JSON');
  return false;
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
