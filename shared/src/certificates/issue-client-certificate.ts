import { BACK_DATING_MS, DAY_MS, type SigningAuthority } from './authority.ts';
import {
  authorityKeyId,
  basicConstraints,
  clientAuthUsage,
  distinguishedName,
  keyUsage,
  type SubjectName,
  signCertificate,
  subjectAltNames,
  subjectKeyId,
} from './certificate-asn1.ts';
import { createLeafKeyPair } from './issue-leaf.ts';

/** Longest validity of a client certificate: what is lost is good for so long, unless its identity is taken away. */
export const maxClientDays = 365;

/** The names of a client certificate: a common name, DNS names and URIs; at least one in all. */
export interface ClientNames {
  readonly commonName: string | undefined;
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
}

/** A certificate with its key, both PEM. */
export interface ClientCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly notAfter: Date;
}

/**
 * Issues a certificate for TLS client authentication (RFC 5280 section 4.2.1.12) with a new ECDSA P-256 key. It is valid
 * from an hour before `now` (default: the present) until `validDays` after it, never beyond its authority.
 * Throws RangeError on days outside 1 to 365, without a name, or when the authority has expired.
 */
export function issueClientCertificate(
  authority: SigningAuthority,
  names: ClientNames,
  options: { validDays: number; now?: Date },
): ClientCertificate {
  const { validDays, now = new Date() } = options;
  const alternatives: SubjectName[] = [
    ...names.dnsNames.map((text) => ({ kind: 'dns' as const, text })),
    ...names.uris.map((text) => ({ kind: 'uri' as const, text })),
  ];
  if (!(validDays >= 1 && validDays <= maxClientDays)) throw new RangeError(`validDays must be 1 to ${maxClientDays}`);
  if (names.commonName === undefined && alternatives.length === 0) throw new RangeError('there must be a name');
  const notAfter = new Date(Math.min(now.getTime() + validDays * DAY_MS, authority.notAfter.getTime()));
  if (notAfter <= now) throw new RangeError('the authority has expired');
  const keyPair = createLeafKeyPair();
  const certificatePem = signCertificate(
    {
      issuer: authority.subject,
      subject: distinguishedName(names.commonName),
      notBefore: new Date(now.getTime() - BACK_DATING_MS),
      notAfter,
      publicKey: keyPair.publicKeyInfo,
      extensions: [
        basicConstraints(false),
        keyUsage('leaf'),
        clientAuthUsage(),
        ...(alternatives.length === 0 ? [] : [subjectAltNames(alternatives, names.commonName === undefined)]),
        subjectKeyId(keyPair.identifier),
        authorityKeyId(authority.keyIdentifier),
      ],
    },
    authority.privateKey,
  );
  return { certificatePem, privateKeyPem: keyPair.privateKeyPem, notAfter };
}
