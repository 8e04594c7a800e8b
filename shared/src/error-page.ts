/**
 * What each error means and what to do about it, for whoever meets it: an agent at `http://onecli.internal/errors/CODE`,
 * an admin in docs/errors.md. The status and the remedy are those of the table in fault.ts.
 */
import { type FaultCode, faultOf } from './fault.ts';

/** Why a request ends so: one or two sentences that name things, never values. */
const causes: Readonly<Record<FaultCode, string>> = {
  PROXY_AUTH_REQUIRED:
    'The request came without anything that says which agent it is from. A first attempt without credentials is usual: clients such as git repeat it with them.',
  PROXY_AUTH_INVALID:
    'What was sent to say who the agent is was not recognised: it is unknown, expired, rotated, not valid from this address, or its agent is disabled.',
  IDENTITY_CONFLICT: 'The request says in two ways who it is from, and they do not say the same.',
  IDENTITY_PROVIDER_UNAVAILABLE:
    'A JWT was sent, and the keys of its issuer cannot be fetched: the issuer is away, its certificate is not trusted, or its address is refused. Without them nobody can say whether the JWT is good.',
  UNAUTHENTICATED: 'The API was called without credentials, or with wrong ones.',
  FORBIDDEN: 'The API knows the caller, whose roles do not cover what was asked for.',
  TOO_MANY_LOGINS: 'Too many logins failed in a short time, from one address or for one user.',
  POLICY_DENIED:
    'What no rule allows is denied, and a rule that denies wins over all that allow. The message names what was judged: the host, and inside it the method and path.',
  APPROVAL_REQUIRED:
    'A rule that covers the request lets it pass once a person has approved it, for this agent and for a time. Nobody has, or that time is over. Nothing was sent.',
  RATE_LIMITED:
    'A rule that allows the request allows only so many in a time, and this agent, or all agents of the rule together, have sent them. Nothing was sent.',
  TOO_MANY_CONCURRENT:
    'A rule that allows the request allows only so many at once, and as many of this agent are under way. Nothing was sent.',
  PLACEHOLDER_NOT_GRANTED:
    'The request holds the placeholder of a secret that does not exist, or that no rule grants to this agent for this host, method and path. Nothing was sent.',
  PLACEHOLDER_NOT_BOUND:
    'The agent may use the secret, and not there: every secret has a binding, the hosts that it may go to and the places of a request in which its placeholder is replaced. Nothing was sent with the secret in it.',
  SECRET_EXPIRED:
    'The agent may use the secret here, and an admin has set a time from which on nobody may: it is over. Nothing was sent.',
  SECRET_LEASE_EXPIRED:
    'The agent may use the secret here as far as this worker knows, and an admin has said how old that knowledge may be: it is older, for the database does not answer. Nothing was sent.',
  ADDRESS_REFUSED:
    'The host is, or its name resolves to, an address that agents may not reach: private, local or reserved.',
  BROWSER_REFUSED:
    'A request under /to/ looks as if a browser had made it, and no token came in a header. Web pages can make browsers send requests to addresses of this machine and its network; an agent that is known by its address alone would be acting for them.',
  GATEWAY_NAME_UNKNOWN:
    'A request under /to/ without a token named this gateway, in its Host header, by a name that it does not know as its own. A web page that has its own name resolve to the gateway would do that.',
  PORT_REFUSED:
    'Whatever a policy lets through, no port is dialled that nobody has named: 443 and 80 are the ports of the web, any other stands in a rule or a binding.',
  AUTHORITY_CONSTRAINED:
    'The gateway answers inside TLS with a certificate for the host. The authority that an admin brought has name constraints, so that clients would refuse such a certificate: none was made, and nothing was sent.',
  UNSUPPORTED_UPGRADE:
    'The request asks to go on in another protocol, which the gateway cannot judge request by request.',
  BAD_REQUEST:
    'The bytes could be read in two ways, or in none. The gateway refuses what two servers might understand differently; the message says which part.',
  BAD_TARGET:
    'The target of the request could be read in two ways by different servers, or is not of the form that belongs there.',
  MISDIRECTED:
    'The request names another host than the connection that it came by. One name is judged, dialled and verified.',
  TLS_HANDSHAKE_FAILED:
    'The agent ended the TLS handshake inside the tunnel, as a rule because it does not trust the certificate authority of this gateway. It stands in the audit trail alone: nothing can be answered.',
  TARGET_TOO_LONG: 'Paths are compared with patterns, so their length is bounded.',
  HEAD_TOO_LARGE: 'The request line and headers are over the bound on bytes, or there are too many headers.',
  BODY_TOO_LARGE:
    'The body is over the bound of the gateway or of the rule that allows the request. One in which placeholders are replaced is held whole before any of it leaves, up to 4 MB.',
  BODY_UNREADABLE:
    'A secret is bound to bodies of this host, and the body is compressed, not UTF-8, or not the JSON that its Content-Type says.',
  TOO_MANY_RESETS:
    'Streams of an HTTP/2 connection were opened and reset again faster than a client has reason to. The connection was ended; requests that were answered by then are not affected.',
  TOO_MANY_PINGS:
    'PING and SETTINGS frames have to be answered, so a client that sends them without end makes the gateway work for nothing. The connection was ended; requests that were answered by then are not affected.',
  REQUEST_TIMEOUT: 'The head or the body of the request stopped arriving.',
  TOO_MANY_TUNNELS: 'One agent may have so many connections open in a worker, so that it leaves some to others.',
  TOO_MANY_CERTIFICATES:
    'The gateway makes a certificate for each host that is contacted for the first time. How many it makes in a minute is bounded, for each agent and in all.',
  METHOD_NOT_ALLOWED:
    'The method has no meaning here: CONNECT inside a tunnel, TRACE, or anything but a read of a page of OneCLI itself.',
  NOT_A_PROXY_REQUEST:
    'The request names a path and no host, so there is nowhere to send it. Requests for other hosts come by CONNECT, as an absolute URL, or under /to/<host>/.',
  UPSTREAM_UNREACHABLE:
    'The request was allowed, and the host could not be reached: its name did not resolve, nothing accepted a connection, or the connection ended without an answer.',
  UPSTREAM_UNTRUSTED:
    'The host was reached and could not prove by its certificate that it is that host. A secret leaves over verified TLS only.',
  UPSTREAM_INVALID: 'The host answered with bytes that could be read in two ways, or in none.',
  UPSTREAM_ENCODING:
    'A secret went out with the request, so its answer is searched for it. The answer came in a content coding that cannot be undone here.',
  SECRET_ECHOED:
    'The host sent the secret back in its answer, and the binding of the secret asks for such answers to be refused.',
  UPSTREAM_TIMEOUT: 'The host was reached and its answer did not begin, or did not go on, in time.',
  NOT_READY: 'The gateway has just started and has no configuration yet, or the API cannot reach its database.',
  AUDIT_UNAVAILABLE: 'What cannot be recorded must not happen, and the audit trail cannot take any more at the moment.',
  SECRET_UNAVAILABLE: 'The secret exists and is granted, and its value could not be unsealed.',
  OVERLOADED:
    'The worker is near the memory or the connections that it may have, and takes on no more before some are given back. It refuses new tunnels first.',
  DRAINING: 'This process is being stopped and takes nothing new.',
  INTERNAL: 'The gateway has a fault of its own. Nothing is known of the request beyond what the log says.',
  INVALID: 'A field of the input to the API has a value that it cannot have; the message names it.',
  NOT_FOUND: 'The API has nothing of that name, or nothing that this caller may see.',
  IDENTITY_TAKEN: 'What recognises one agent must recognise no other, or nobody could say whose request it is.',
  MANAGED_ELSEWHERE:
    'Files are the source of that object, and they are not the ones that are applied now: two sources would undo each other’s changes.',
  NAME_TAKEN: 'Names are unique, and there is one like that already.',
  LAST_OWNER:
    'The write would leave nobody who can sign in as an owner: the user is the last one who is enabled and has a password.',
  CONFLICT: 'Somebody else changed the same thing between reading and writing, or another thing has to be so first.',
  PRECONDITION_FAILED: 'The write said which state of the object it is for, and the object is in another.',
  TOO_LARGE: 'The input to the API is over its bound.',
  UNSUPPORTED_MEDIA: 'The API reads JSON.',
};

/** Every code that there is, in the order of the table. */
export const errorCodes: readonly string[] = Object.keys(causes);

/** The page of an error as Markdown, or undefined when `code` is no code. */
export function errorPage(code: string): string | undefined {
  if (!isFaultCode(code)) return undefined;
  const { status, isRetryable, hint } = faultOf(code);
  const retry = isRetryable
    ? 'the same request may succeed later'
    : 'the same request fails again until something is changed';
  return `## ${code}\n\nStatus ${status}; ${retry}.\n\n**Why:** ${causes[code]}\n\n**What to do:** ${hint}\n`;
}

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(causes, text);
}
