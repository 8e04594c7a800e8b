import { usageError } from './cli-error.ts';

/** An identity as the API takes it: an object with one of the kinds. */
export type IdentityInput = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The forms of `--identity`, for help and messages. */
export const identityForms = `  token                                        a proxy token, as agents have by default
  token:expires=90d,from=10.1.0.0/16           one that expires, and is good from some addresses only
  cn:NAME, dns:NAME, uri:spiffe://org/agent    a client certificate by that name
  jwt:https://ISSUER,aud=AUDIENCE,sub=SUBJECT  a JWT with those claims; jwks=URL says where the keys are
  header:NAME=VALUE,from=10.2.0.0/24           a header that a proxy at those addresses sets
  source:10.3.0.5,10.4.0.0/16                  every connection from those addresses`;

const certificateNames: Readonly<Record<string, string>> = { cn: 'commonName', dns: 'dnsName', uri: 'uri' };
const dayMs = 24 * 3_600_000;

/** Gathers `--identity`, repeatable. For commander's argument parser. Throws a usage error that says what is missing. */
export function collectIdentity(text: string, before: readonly IdentityInput[] = []): IdentityInput[] {
  return [...before, parseIdentity(text, Date.now())];
}

/** Reads one identity; see {@link identityForms}. `nowMs` is what a duration counts from. */
export function parseIdentity(text: string, nowMs: number): IdentityInput {
  const colon = text.indexOf(':');
  const [kind, rest] = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  const certificateName = certificateNames[kind];
  if (certificateName !== undefined) return { mtls: { [certificateName]: required(rest, `${kind}:NAME`) } };
  switch (kind) {
    case 'token':
      return { token: tokenSettings(rest, nowMs) };
    case 'source':
      return { source: { cidrs: required(rest, 'source:ADDRESS,…').split(',') } };
    case 'header':
      return { header: headerSettings(rest) };
    case 'jwt':
      return { jwt: jwtSettings(rest) };
    default:
      throw usageError(`--identity: there is no kind "${kind}"`, `one of:\n${identityForms}`);
  }
}

function tokenSettings(text: string, nowMs: number): Readonly<Record<string, unknown>> {
  const { cidrs, others } = splitSettings(text);
  const { expires, ...unknown } = others;
  refuseUnknown(unknown, 'token', 'expires and from');
  return { ...(cidrs.length > 0 && { cidrs }), ...(expires !== undefined && { expiresAt: momentOf(expires, nowMs) }) };
}

function headerSettings(text: string): Readonly<Record<string, unknown>> {
  const { cidrs, others } = splitSettings(text);
  const [[name, value] = [], ...more] = Object.entries(others);
  if (name === undefined || value === undefined || more.length > 0 || cidrs.length === 0)
    throw usageError('--identity: expected header:NAME=VALUE,from=ADDRESSES');
  return { name, value, cidrs };
}

function jwtSettings(text: string): Readonly<Record<string, unknown>> {
  const comma = text.indexOf(',');
  const [issuer, rest] = comma === -1 ? [text, ''] : [text.slice(0, comma), text.slice(comma + 1)];
  const { aud, jwks, ...claims } = keysAndValues(parts(rest));
  if (issuer === '' || aud === undefined)
    throw usageError('--identity: expected jwt:ISSUER,aud=AUDIENCE and claims such as sub=SUBJECT');
  return { issuer, audience: aud, claims, ...(jwks !== undefined && { jwksUri: jwks }) };
}

/** `from=A,B,key=value`, in any order: what has no key goes on with the list of addresses. */
function splitSettings(text: string): { readonly cidrs: string[]; readonly others: Record<string, string> } {
  const cidrs: string[] = [];
  const others: string[] = [];
  let isInFrom = false;
  for (const part of parts(text)) {
    isInFrom = part.startsWith('from=') || (isInFrom && !part.includes('='));
    if (isInFrom) cidrs.push(part.replace(/^from=/, ''));
    else others.push(part);
  }
  return { cidrs, others: keysAndValues(others) };
}

function parts(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}

function keysAndValues(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw usageError('--identity: expected key=value after the kind, separated by commas');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function refuseUnknown(unknown: Readonly<Record<string, string>>, kind: string, known: string): void {
  const [key] = Object.keys(unknown);
  if (key !== undefined) throw usageError(`--identity: ${kind} has no setting "${key}", only ${known}`);
}

/** `90d`, `12h`, or a time as ISO 8601 writes it. */
function momentOf(text: string, nowMs: number): string {
  const [, count, unit] = /^([1-9]\d{0,4})([dh])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(nowMs + Number(count) * (unit === 'd' ? dayMs : dayMs / 24)).toISOString();
  if (Number.isNaN(Date.parse(text)))
    throw usageError('--identity: expires has to be as 90d, 12h or 2027-01-31T12:00:00Z');
  return new Date(text).toISOString();
}

function required(text: string, form: string): string {
  if (text === '') throw usageError(`--identity: expected ${form}`);
  return text;
}
