/**
 * The one table of faults: every error that OneCLI itself answers with, on the proxy port and on the API.
 * `status` is the HTTP status; `isRetryable` says whether the same request may succeed later without a change of
 * configuration. Messages name things, never values.
 */
const faults = {
  // Who are you
  PROXY_AUTH_REQUIRED: {
    status: 407,
    isRetryable: false,
    hint: 'Send the agent token: HTTPS_PROXY=http://<agent>:<token>@<gateway>. `onecli run --agent <name> -- <command>` sets it. An agent may be known by a client certificate, a JWT, a header or its address too, if an admin set that.',
  },
  PROXY_AUTH_INVALID: {
    status: 407,
    isRetryable: false,
    hint: 'The token, JWT or certificate is not known, not valid from this address, expired or rotated, or the agent is disabled. Ask an admin: `onecli agent rotate <name>` gives a new token.',
  },
  IDENTITY_CONFLICT: {
    status: 407,
    isRetryable: false,
    hint: 'Two identities were presented and they name different agents. Send one.',
  },
  IDENTITY_PROVIDER_UNAVAILABLE: {
    status: 503,
    isRetryable: true,
    hint: 'The keys of the issuer of this JWT cannot be fetched now. Try again shortly; an admin finds the reason in the log.',
  },
  UNAUTHENTICATED: {
    status: 401,
    isRetryable: false,
    hint: 'Sign in with the admin user and password (Basic) or a key (Bearer).',
  },
  FORBIDDEN: {
    status: 403,
    isRetryable: false,
    hint: 'This principal may not do that. Ask an owner for a role that may.',
  },
  TOO_MANY_LOGINS: { status: 429, isRetryable: true, hint: 'Too many failed logins. Wait, then try again.' },
  // What may you do
  POLICY_DENIED: {
    status: 403,
    isRetryable: false,
    hint: 'No policy allows this agent to do that, or one denies it. An admin can: `onecli policy allow <agent> <host> --paths <pattern>`.',
  },
  APPROVAL_REQUIRED: {
    status: 403,
    isRetryable: false,
    hint: 'A person has to approve this, and was asked. Do something else meanwhile, and try again once you are told that it was approved. Who may decides it in the dashboard, or with `onecli approval list` and `onecli approval approve <id>`.',
  },
  RATE_LIMITED: {
    status: 429,
    isRetryable: true,
    hint: 'A rule allows so many requests in a time. Wait as long as Retry-After says. An admin can raise the rate of the rule that the audit trail names.',
  },
  TOO_MANY_CONCURRENT: {
    status: 429,
    isRetryable: true,
    hint: 'A rule allows so many requests at once. Wait until one of them is over. An admin can raise the limit of the rule that the audit trail names.',
  },
  PLACEHOLDER_NOT_GRANTED: {
    status: 403,
    isRetryable: false,
    hint: 'The request holds a placeholder that this agent may not use here. Check its name; an admin grants it with `onecli policy allow <agent> <host> --secrets <name>`.',
  },
  PLACEHOLDER_NOT_BOUND: {
    status: 403,
    isRetryable: false,
    hint: 'The placeholder stands where its secret is not bound: another host, or another place in the request. Send it in a header to a host of its binding.',
  },
  SECRET_EXPIRED: {
    status: 403,
    isRetryable: false,
    hint: 'The secret is past the time that an admin has set for it. An admin gives it a new value and another time: `onecli secret rotate <name>`, `onecli secret expire <name> <time>`.',
  },
  SECRET_LEASE_EXPIRED: {
    status: 503,
    isRetryable: true,
    hint: 'The gateway has not reached its database for longer than the lease of the secret allows. It is used again as soon as the database answers; an admin can look at /health of the worker, or change the lease: `onecli secret lease <name> <seconds>`.',
  },
  ADDRESS_REFUSED: {
    status: 403,
    isRetryable: false,
    hint: 'The host resolves to a private, local or reserved address. An admin can open a range with ONECLI_ALLOW_RANGES.',
  },
  BROWSER_REFUSED: {
    status: 403,
    isRetryable: false,
    hint: 'Send the agent token in a header: X-OneCLI-Agent-Token, or Proxy-Authorization. A browser goes through the gateway as its HTTPS proxy.',
  },
  GATEWAY_NAME_UNKNOWN: {
    status: 421,
    isRetryable: false,
    hint: 'Use the IP address of the gateway, or localhost, or send the agent token. An admin can add the name with ONECLI_GATEWAY_NAMES.',
  },
  PORT_REFUSED: {
    status: 403,
    isRetryable: false,
    hint: 'Only ports 443 and 80 are dialled, and those that a rule or a binding names: an admin writes `host:port` there.',
  },
  AUTHORITY_CONSTRAINED: {
    status: 403,
    isRetryable: false,
    hint: 'The certificate authority of this gateway is limited to some names, and the host is not among them: an admin sees which with `onecli ca status`, and brings an authority that covers it. Without TLS by the gateway it works: through http://<gateway>/to/<host>/<path>.',
  },
  UNSUPPORTED_UPGRADE: {
    status: 501,
    isRetryable: false,
    hint: 'WebSocket is the one protocol that this gateway upgrades to (not h2c). Use HTTP/1.1 requests or a WebSocket.',
  },
  // What was sent
  BAD_REQUEST: { status: 400, isRetryable: false, hint: 'The request is not well-formed HTTP/1.1 (RFC 9112).' },
  BAD_TARGET: {
    status: 400,
    isRetryable: false,
    hint: 'The request target has dot segments, a backslash, a control character, a fragment or a bad escape. Send a plain path.',
  },
  MISDIRECTED: {
    status: 421,
    isRetryable: false,
    hint: 'The CONNECT host, the TLS server name and the Host header must be the same name.',
  },
  TLS_HANDSHAKE_FAILED: {
    status: 495,
    isRetryable: false,
    hint: 'The client does not trust the certificate authority of this gateway. `onecli run` sets it; `onecli doctor` says what is missing.',
  },
  TARGET_TOO_LONG: {
    status: 414,
    isRetryable: false,
    hint: 'The request target is longer than this gateway accepts. Send the data in the body.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    isRetryable: false,
    hint: 'The request body is larger than this gateway or the rule for it allows, or than a body that holds placeholders may be. Send less at once, or ask an admin for a higher limit.',
  },
  HEAD_TOO_LARGE: { status: 431, isRetryable: false, hint: 'The request head is larger than this gateway accepts.' },
  BODY_UNREADABLE: {
    status: 415,
    isRetryable: false,
    hint: 'A secret is bound to bodies of this host. Send the body uncompressed, in UTF-8, and as its Content-Type says.',
  },
  TOO_MANY_RESETS: {
    status: 429,
    isRetryable: true,
    hint: 'The client opened HTTP/2 streams and reset them faster than this gateway accepts. Open a new connection and cancel less.',
  },
  TOO_MANY_PINGS: {
    status: 429,
    isRetryable: true,
    hint: 'The client sent PING or SETTINGS frames of HTTP/2 faster than this gateway accepts. Open a new connection and send fewer.',
  },
  REQUEST_TIMEOUT: { status: 408, isRetryable: true, hint: 'The request was not sent in time.' },
  TOO_MANY_TUNNELS: {
    status: 429,
    isRetryable: true,
    hint: 'This agent has as many connections open as it may have. Reuse or close some. An admin can raise ONECLI_LIMIT_TUNNELS_PER_AGENT.',
  },
  TOO_MANY_CERTIFICATES: {
    status: 429,
    isRetryable: true,
    hint: 'Too many hosts were contacted for the first time. Wait as Retry-After says. An admin can raise ONECLI_LIMIT_CERTIFICATES_PER_MINUTE or ONECLI_LIMIT_CERTIFICATES_PER_AGENT_PER_MINUTE.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    isRetryable: false,
    hint: 'Use the method that the message names, or another than CONNECT and TRACE.',
  },
  NOT_A_PROXY_REQUEST: {
    status: 404,
    isRetryable: false,
    hint: 'This is the proxy port: set HTTPS_PROXY to it, or use http://<gateway>/to/<host>/<path> where a client honours no proxy. It serves /health, /livez, /readyz, /metrics, /ca.pem and /errors/CODE itself. The API is on another port, 10255 by default.',
  },
  // What went wrong behind us
  UPSTREAM_UNREACHABLE: {
    status: 502,
    isRetryable: true,
    hint: 'Check the name and the port of the host. If they are right, try again later; an admin can see whether the machine of the gateway reaches that host at all.',
  },
  UPSTREAM_UNTRUSTED: {
    status: 502,
    isRetryable: false,
    hint: "The upstream's certificate is not valid for this host. Nothing was sent. An admin can add a root with ONECLI_UPSTREAM_CA_FILE.",
  },
  UPSTREAM_INVALID: {
    status: 502,
    isRetryable: true,
    hint: 'The upstream sent something that is not a well-formed HTTP/1.1 response. Check that the port speaks HTTP; otherwise only the service itself can mend it.',
  },
  UPSTREAM_TIMEOUT: { status: 504, isRetryable: true, hint: 'The upstream did not answer in time.' },
  UPSTREAM_ENCODING: {
    status: 502,
    isRetryable: false,
    hint: 'The upstream compressed its answer in a way that this gateway cannot read, although it was asked not to, so it cannot be searched for the secret that went out. An admin can switch the search off in the binding of the secret: `scrub: off`.',
  },
  SECRET_ECHOED: {
    status: 502,
    isRetryable: false,
    hint: 'The answer held the secret that went out with the request, and the binding of the secret says that such answers are refused. The request did reach the upstream, so look before you send it again. An admin can have echoes replaced in place of refused: `scrub: replace`.',
  },
  NOT_READY: {
    status: 503,
    isRetryable: true,
    hint: 'The gateway is not ready, or its database is away. Try again shortly.',
  },
  AUDIT_UNAVAILABLE: {
    status: 503,
    isRetryable: true,
    hint: 'The gateway cannot record requests now, so it refuses them. Try again shortly.',
  },
  SECRET_UNAVAILABLE: {
    status: 503,
    isRetryable: false,
    hint: 'The secret could not be opened. An admin should look at the gateway’s log.',
  },
  OVERLOADED: {
    status: 503,
    isRetryable: true,
    hint: 'The gateway is at the limit of its memory or connections. Try again as Retry-After says.',
  },
  DRAINING: {
    status: 503,
    isRetryable: true,
    hint: 'The gateway is shutting down. Try again: another worker will answer.',
  },
  INTERNAL: { status: 500, isRetryable: true, hint: 'An unexpected fault. The request id finds it in the log.' },
  // The API
  INVALID: { status: 400, isRetryable: false, hint: 'Mend the named field and send it again.' },
  NOT_FOUND: { status: 404, isRetryable: false, hint: 'There is nothing of that name.' },
  NAME_TAKEN: {
    status: 409,
    isRetryable: false,
    hint: 'The name is taken. Choose another, or update the one that exists with PUT.',
  },
  IDENTITY_TAKEN: {
    status: 409,
    isRetryable: false,
    hint: 'An identity recognises one agent only. Take it from the agent that has it, or use another.',
  },
  LAST_OWNER: {
    status: 409,
    isRetryable: false,
    hint: 'Somebody has to be able to sign in as an owner of every environment. Make another owner first.',
  },
  MANAGED_ELSEWHERE: {
    status: 409,
    isRetryable: false,
    hint: 'Another source of configuration as code made it. Change it there, or take it over with `adopt`.',
  },
  CONFLICT: {
    status: 409,
    isRetryable: true,
    hint: 'It is not as this write needs it now. Do what the message says; if it changed meanwhile, read it again and repeat.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    isRetryable: false,
    hint: 'It was written after what If-Match names. Get it again, and send the ETag of that answer.',
  },
  TOO_LARGE: {
    status: 413,
    isRetryable: false,
    hint: 'The body is larger than 1 MB, or 8 MB for `/api/plan` and `/api/apply`.',
  },
  UNSUPPORTED_MEDIA: { status: 415, isRetryable: false, hint: 'Send Content-Type: application/json.' },
} as const satisfies Record<string, { status: number; isRetryable: boolean; hint: string }>;

export type FaultCode = keyof typeof faults;
export const faultCodes = Object.keys(faults) as [FaultCode, ...FaultCode[]];

/** What the table says of a code. */
export function faultOf(code: FaultCode): {
  readonly status: number;
  readonly isRetryable: boolean;
  readonly hint: string;
} {
  return faults[code];
}

/** A fault on its way to a client. `message` is shown to the client: it names things, never values. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly field: string | undefined;

  constructor(code: FaultCode, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.field = options.field;
  }

  get status(): number {
    return faults[this.code].status;
  }

  get hint(): string {
    return faults[this.code].hint;
  }
}
