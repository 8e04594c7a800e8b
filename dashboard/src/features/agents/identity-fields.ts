import type { AgentIdentityInput, AgentRowFragment } from '../../gql/graphql.ts';
import { localTimeOf, momentOf } from '../../ui/local-time.ts';
import { claimsOf, labelsOf, labelsText, listOf } from '../../ui/text-list.ts';

/** How an agent can be recognised. */
export const identityKinds = {
  token: 'Token',
  mtls: 'Client certificate',
  jwt: 'JWT',
  header: 'Header of a proxy',
  source: 'Address it comes from',
} as const;

/** What a form has of one identity: the fields of every kind, of which those of its kind count. */
export interface IdentityFields {
  readonly kind: keyof typeof identityKinds;
  readonly cidrs: string;
  readonly expiresAt: string;
  readonly certificateField: 'commonName' | 'dnsName' | 'uri';
  readonly name: string;
  readonly value: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  readonly claims: string;
}

export const emptyIdentity: IdentityFields = {
  kind: 'token',
  cidrs: '',
  expiresAt: '',
  certificateField: 'commonName',
  name: '',
  value: '',
  issuer: '',
  audience: '',
  jwksUri: '',
  claims: '',
};

export interface AgentFields {
  readonly labels: string;
  readonly identities: readonly IdentityFields[];
}

type Identity = AgentRowFragment['identities'][number];

export function agentFields({ labels, identities }: Pick<AgentRowFragment, 'labels' | 'identities'>): AgentFields {
  return { labels: labelsText(labels), identities: identities.map(identityFields) };
}

/** What the fields ask for, or what is wrong with them. */
export function agentInput({ labels: text, identities }: AgentFields) {
  const labels = labelsOf(text);
  if (labels === undefined)
    return 'Labels: expected key=value, with commas between them; a value with a comma in quotes: note="a, b".';
  if (identities.some(({ kind, claims }) => kind === 'jwt' && claimsOf(claims) === undefined))
    return 'Claims: expected claim=value, one on each line.';
  return { labels, identities: identities.map(identityInput) };
}

function identityFields({ token, mtls, jwt, header, source }: Identity): IdentityFields {
  if (mtls !== null) return { ...emptyIdentity, kind: 'mtls', ...certificateName(mtls) };
  if (jwt !== null)
    return {
      ...emptyIdentity,
      kind: 'jwt',
      issuer: jwt.issuer,
      audience: jwt.audience,
      jwksUri: jwt.jwksUri ?? '',
      claims: jwt.claims.map(({ key, value }) => `${key}=${value}`).join('\n'),
    };
  if (header !== null)
    return { ...emptyIdentity, kind: 'header', name: header.name, value: header.value, cidrs: header.cidrs.join(', ') };
  if (source !== null) return { ...emptyIdentity, kind: 'source', cidrs: source.cidrs.join(', ') };
  return { ...emptyIdentity, cidrs: token?.cidrs?.join(', ') ?? '', expiresAt: localTimeOf(token?.expiresAt ?? null) };
}

function certificateName({ commonName, dnsName, uri }: NonNullable<Identity['mtls']>) {
  if (dnsName !== null) return { certificateField: 'dnsName', name: dnsName } as const;
  if (uri !== null) return { certificateField: 'uri', name: uri } as const;
  return { certificateField: 'commonName', name: commonName ?? '' } as const;
}

function identityInput(fields: IdentityFields): AgentIdentityInput {
  const cidrs = listOf(fields.cidrs);
  const name = fields.name.trim();
  switch (fields.kind) {
    case 'token':
      return { token: { ...(cidrs.length > 0 && { cidrs }), ...expiry(fields.expiresAt) } };
    case 'mtls':
      return { mtls: { [fields.certificateField]: name } };
    case 'jwt':
      return { jwt: jwtInput(fields) };
    case 'header':
      return { header: { name, value: fields.value, cidrs } };
    case 'source':
      return { source: { cidrs } };
  }
}

function expiry(localTime: string) {
  const expiresAt = momentOf(localTime);
  return expiresAt === null ? {} : { expiresAt };
}

function jwtInput({ issuer, audience, jwksUri, claims }: IdentityFields) {
  const wanted = claimsOf(claims) ?? [];
  return {
    issuer: issuer.trim(),
    audience: audience.trim(),
    ...(jwksUri.trim() !== '' && { jwksUri: jwksUri.trim() }),
    ...(wanted.length > 0 && { claims: wanted }),
  };
}
