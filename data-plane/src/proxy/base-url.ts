/**
 * Base-URL mode, for clients that honour no proxy: `/to/<host>[:port]/…` on the proxy port is a request for
 * `https://<host>[:port]/…`. It is read here, once, into the absolute-form request that it stands for; what follows is the
 * same story as for any other. A token in it never gets further than this: nothing behind sees the target as it came.
 */
import { isIP } from 'node:net';
import { type Header, headerValues, type RequestHead, singleHost } from '../wire/head.ts';
import { type Authority, parseAuthority } from '@onecli/shared/wire/parse-authority';
import { type Refusal, refusal } from './answer.ts';

const prefix = '/to/';
const tokenHeader = 'x-onecli-agent-token';
/** RFC 7519: three parts in base64url. Tokens of ours have no dot. */
const jwt = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** The request that a base-URL request stands for: absolute-form, with its own Host, its token as Proxy-Authorization. */
export interface BasedRequest {
  readonly kind: 'based';
  readonly head: RequestHead;
}

/** Whether a target is of base-URL mode. */
export function isBaseUrl(target: string): boolean {
  return target.startsWith(prefix);
}

/**
 * Reads a request whose target {@link isBaseUrl}. The agent's token may come as Proxy-Authorization, as
 * `X-OneCLI-Agent-Token`, or ahead of the host as `<token>@` or `<agent>:<token>@`.
 * @param names what this gateway is called, in lower case, besides localhost and IP addresses
 */
export function readBaseUrl(head: RequestHead, names: ReadonlySet<string>): BasedRequest | Refusal {
  const host = singleHost(head);
  if (typeof host !== 'string' && (host.code !== 'MISSING_HOST' || head.minor === 1))
    return refusal('BAD_REQUEST', host.detail);
  const place = readPlace(head.target);
  if (place.kind === 'refused') return place;
  const refused = refusePage(head, typeof host === 'string' ? host : undefined, place.user !== undefined, names);
  if (refused) return refused;
  const credentials = presentedTokens(head.headers, place.user);
  if (!Array.isArray(credentials)) return credentials;
  const { authority, origin } = place;
  const name = `${authority.host}:${authority.port}`;
  const headers: Header[] = [{ name: 'host', rawName: 'Host', value: name }, ...credentials];
  for (const header of head.headers) if (!isOfGateway(header)) headers.push(header);
  return {
    kind: 'based',
    head: { method: head.method, target: `https://${name}${origin}`, minor: head.minor, headers },
  };
}

interface Place {
  readonly kind: 'place';
  /** What stood ahead of the host. */
  readonly user: string | undefined;
  readonly authority: Authority;
  /** What follows the host: this is judged, and forwarded as it came. */
  readonly origin: string;
}

function readPlace(target: string): Place | Refusal {
  let end = prefix.length;
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end++;
  const text = target.slice(prefix.length, end);
  const at = text.indexOf('@');
  const user = at === -1 ? undefined : text.slice(0, at);
  if (user !== undefined && !/^[A-Za-z0-9._~-]+(?::[A-Za-z0-9._~-]+)?$/.test(user))
    return refusal('BAD_TARGET', 'What stands ahead of the @ after /to/ must be <token> or <agent>:<token>.');
  const authority = parseAuthority(withoutHostEscapes(text.slice(at + 1)), 443);
  if (authority.kind === 'fault')
    return refusal('BAD_TARGET', `What follows /to/ must be <host> or <host>:<port>: ${authority.detail}.`);
  const rest = target.slice(end);
  return { kind: 'place', user, authority, origin: rest.startsWith('/') ? rest : `/${rest}` };
}

/** What clients escape in a path although hosts have it raw: the octets of an IDN, the brackets of an IPv6 address. */
function withoutHostEscapes(text: string): string {
  return text.replace(/%(?:[89A-F][0-9A-F]|5B|5D)/gi, (escape) =>
    String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
}

/**
 * A web page can have a browser send requests here, from the agent's own address. So what may be a browser's needs a token
 * in a header, which a page cannot send to another origin unasked; a token in the URL is no proof, for a page that was
 * served under such a URL reads it there. And where nothing but the address tells who it is, the gateway must have been
 * asked for by a name that no page can have made its own (DNS rebinding).
 */
function refusePage(
  head: RequestHead,
  host: string | undefined,
  hasUser: boolean,
  names: ReadonlySet<string>,
): Refusal | undefined {
  if (head.headers.some(({ name }) => name === 'proxy-authorization' || name === tokenHeader)) return undefined;
  if (head.headers.some(isOfBrowser))
    return refusal('BROWSER_REFUSED', 'Requests that a browser may have made need the agent token in a header.');
  if (hasUser || host === undefined || isOwnName(host, names)) return undefined;
  return refusal('GATEWAY_NAME_UNKNOWN', 'The Host header names this gateway by a name that it does not know.');
}

/**
 * Sec-Fetch-Site is sent to trustworthy addresses (https and loopback) alone, Origin not with every GET; every browser's User-Agent
 * begins alike, and no page changes it without a preflight, which has an Origin.
 */
function isOfBrowser({ name, value }: Header): boolean {
  return name === 'origin' || name === 'sec-fetch-site' || (name === 'user-agent' && /^mozilla\//i.test(value));
}

function isOwnName(text: string, names: ReadonlySet<string>): boolean {
  const authority = parseAuthority(text, 80);
  if (authority.kind === 'fault') return false;
  const { host } = authority;
  return host === 'localhost' || names.has(host) || isIP(host.replace(/^\[|\]$/g, '')) !== 0;
}

/** The tokens of header and path, in the form in which agents of a proxy send theirs; one that came twice comes once. */
function presentedTokens(headers: readonly Header[], user: string | undefined): Header[] | Refusal {
  const tokens = new Set(headerValues(headers, tokenHeader));
  const [token] = tokens;
  const tokenInPath = user?.slice(user.indexOf(':') + 1);
  if (tokens.size > 1 || (token !== undefined && tokenInPath !== undefined && token !== tokenInPath))
    return refusal('IDENTITY_CONFLICT', 'Two different agent tokens were sent.');
  const sent = tokenInPath ?? token;
  if (sent === undefined) return [];
  const basic = user?.includes(':') ? user : `:${sent}`;
  const value = jwt.test(sent) ? `Bearer ${sent}` : `Basic ${Buffer.from(basic, 'latin1').toString('base64')}`;
  return headerValues(headers, 'proxy-authorization').includes(value)
    ? []
    : [{ name: 'proxy-authorization', rawName: 'Proxy-Authorization', value }];
}

/** What was for the gateway alone. A Referer may hold the address of a page under /to/, and with it a token. */
function isOfGateway({ name, value }: Header): boolean {
  return name === 'host' || name === tokenHeader || (name === 'referer' && value.includes(prefix));
}
