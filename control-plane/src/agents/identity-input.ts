import { formatCidr, parseCidr } from '@onecli/shared/domain/cidr';
import { certificateNames } from '@onecli/shared/domain/identity';
import { z } from 'zod';
import { line } from '../configuration/input-parts.ts';

const maxCidrs = 200;
const maxClaims = 32;
const maxIdentities = 50;

/** A range in its one way of writing. */
const cidr = z
  .string()
  .max(64, 'must be a range such as 10.1.0.0/16')
  .transform((text, context) => {
    const parsed = parseCidr(text);
    if (parsed.kind === 'cidr' && parsed.cidr.prefixLength > 0) return formatCidr(parsed.cidr);
    context.addIssue({
      code: 'custom',
      message: parsed.kind === 'cidr' ? 'must not be every address there is' : parsed.problem,
    });
    return z.NEVER;
  });

const cidrs = z
  .array(cidr)
  .min(1, 'must name at least one range')
  .max(maxCidrs, `must be at most ${maxCidrs} ranges`)
  .transform((ranges) => [...new Set(ranges)]);

/** ISO 8601 with a zone; GraphQL gives a Date. */
const moment = z
  .union([z.date(), z.iso.datetime({ offset: true, error: 'must be a time such as 2027-01-31T12:00:00Z' })])
  .transform((value, context) => {
    const expiresAt = new Date(value);
    if (expiresAt.getTime() > Date.now()) return expiresAt;
    context.addIssue({ code: 'custom', message: 'must be in the future' });
    return z.NEVER;
  });

const token = z.strictObject({ expiresAt: moment.optional(), cidrs: cidrs.optional() });

/** Headers that mean something else to clients, upstreams or this gateway cannot say who an agent is. */
const takenHeaders =
  /^(?:authorization|proxy-.*|x-onecli-.*|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|expect|cookie|via|forwarded|x-forwarded-(?:for|host|proto|port)|user-agent|accept|accept-.*)$/;

const header = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'must be the name of a header, of at most 64 characters')
    .transform((name) => name.toLowerCase())
    .refine((name) => !takenHeaders.test(name), 'must be a header of its own, that has no other meaning'),
  value: line(256).refine(
    (value) => value !== '' && value === value.trim() && /^[\x20-\x7e]+$/.test(value),
    'must be printable ASCII without blanks around it',
  ),
  cidrs,
});

const source = z.strictObject({ cidrs });

const commonName = line(64).min(1, 'must not be empty');
const dnsName = z
  .string()
  .transform((name) => name.toLowerCase())
  .refine((name) => /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/.test(name), 'must be a DNS name');
const uri = z
  .string()
  .max(2048, 'must be at most 2048 characters')
  .regex(
    /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&()*+;=%]+$/,
    'must be a URI such as spiffe://example.org/agent',
  );

const mtls = z
  .strictObject({ commonName: commonName.optional(), dnsName: dnsName.optional(), uri: uri.optional() })
  .refine(hasExactlyOne, `must have exactly one of ${certificateNames.join(', ')}`);

/** Keys are fetched over verified TLS only: who can alter them can be anybody. */
const httpsUrl = z
  .string()
  .max(2048, 'must be at most 2048 characters')
  .refine((text) => isHttpsUrl(text), 'must be an https:// URL without credentials and fragment');

function isHttpsUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return protocol === 'https:' && username === '' && password === '' && hash === '';
}

const claimName = /^[\x21-\x7e]{1,128}$/;
/** These are judged by themselves, or are no text. */
const ownClaims: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat']);

const jwt = z.strictObject({
  issuer: httpsUrl,
  audience: line(512).min(1, 'must not be empty'),
  claims: z
    .record(z.string().regex(claimName, 'must have names of printable ASCII, of at most 128'), line(512))
    .refine((claims) => Object.keys(claims).length <= maxClaims, `must be at most ${maxClaims} claims`)
    .refine(
      (claims) => !Object.keys(claims).some((name) => ownClaims.has(name)),
      'must not have iss, aud, exp, nbf or iat',
    )
    .default({}),
  jwksUri: httpsUrl.optional(),
});

function hasExactlyOne(value: object): boolean {
  return Object.values(value).filter((part) => part !== undefined).length === 1;
}

/** One identity: an object with exactly one of the kinds. */
const identity = z
  .strictObject({
    token: token.optional(),
    mtls: mtls.optional(),
    jwt: jwt.optional(),
    header: header.optional(),
    source: source.optional(),
  })
  .refine(hasExactlyOne, 'must be exactly one of token, mtls, jwt, header, source');

/** What an agent is recognised by. */
export const identities = z
  .array(identity)
  .min(1, 'must have at least one identity')
  .max(maxIdentities, `must be at most ${maxIdentities} identities`)
  .refine((list) => list.filter((one) => one.token !== undefined).length <= 1, 'must have at most one token');

export type IdentityInputs = z.output<typeof identities>;
