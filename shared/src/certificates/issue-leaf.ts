import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type forge from 'node-forge';
import { BACK_DATING_MS, DAY_MS, mayIssueFor, type SigningAuthority } from './authority.ts';
import {
  authorityKeyId,
  basicConstraints,
  distinguishedName,
  keyIdentifier,
  keyUsage,
  MAX_COMMON_NAME_LENGTH,
  serverAuthUsage,
  signCertificate,
  subjectAltNames,
  subjectKeyId,
  subjectPublicKeyInfo,
} from './certificate-asn1.ts';

const MAX_LEAF_DAYS = 30;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*$/;

/** A key pair that leaves are issued for, with its ASN.1 prepared. Many leaves may share one. */
export interface LeafKeyPair {
  readonly privateKeyPem: string;
  readonly publicKeyInfo: forge.asn1.Asn1;
  readonly identifier: Buffer;
}

export interface Leaf {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly notAfter: Date;
}

/** Makes an ECDSA P-256 key pair for leaves. */
export function createLeafKeyPair(): LeafKeyPair {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  });
  const publicKeyInfo = subjectPublicKeyInfo(publicKey);
  // SEC 1 (RFC 5915): OpenSSL reads it quicker than PKCS #8, and it is read once for each host.
  const privateKeyPem = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  return { privateKeyPem, publicKeyInfo, identifier: keyIdentifier(publicKeyInfo) };
}

/**
 * Issues a server certificate for one host: a canonical DNS name (lower case, A-labels, no trailing dot, no wildcard) or
 * an IP literal without brackets. It is valid from an hour before `now` (default: the present) for `validDays` (default
 * and at most 30) in all, never beyond its authority. Without `keyPair` it gets a key of its own. A name too long for a
 * common name gets an empty subject and a critical SAN (RFC 5280 section 4.2.1.6).
 * Throws RangeError on a host or a validity outside of these, one that the authority may not issue for, or when it has expired.
 */
export function issueLeaf(
  authority: SigningAuthority,
  host: string,
  options: { validDays?: number; keyPair?: LeafKeyPair; now?: Date } = {},
): Leaf {
  const { validDays = MAX_LEAF_DAYS, keyPair = createLeafKeyPair(), now = new Date() } = options;
  const isIpAddress = isIP(host) !== 0 && !host.includes('%');
  if (!isIpAddress && !DNS_NAME.test(host)) throw new RangeError('host must be a canonical DNS name or an IP address');
  if (!mayIssueFor(authority, host)) throw new RangeError('the authority may not issue for this host');
  if (!(validDays > 0 && validDays <= MAX_LEAF_DAYS)) throw new RangeError(`validDays must be 1 to ${MAX_LEAF_DAYS}`);
  const notBefore = new Date(now.getTime() - BACK_DATING_MS);
  // notAfter is inclusive (RFC 5280 section 4.1.2.5), hence a second less.
  const wantedEndMs = notBefore.getTime() + validDays * DAY_MS - 1000;
  const notAfter = new Date(Math.min(wantedEndMs, authority.notAfter.getTime()));
  if (notAfter <= now) throw new RangeError('the authority has expired');
  // Constraints of subjects hold for those that a certificate has.
  const isSubjectFree = authority.constraints.every(({ hasDirectoryNames }) => !hasDirectoryNames);
  const hasCommonName = isSubjectFree && host.length <= MAX_COMMON_NAME_LENGTH;
  const certificatePem = signCertificate(
    {
      issuer: authority.subject,
      subject: distinguishedName(hasCommonName ? host : undefined),
      notBefore,
      notAfter,
      publicKey: keyPair.publicKeyInfo,
      extensions: [
        basicConstraints(false),
        keyUsage('leaf'),
        serverAuthUsage(),
        subjectAltNames([{ kind: isIpAddress ? 'address' : 'dns', text: host }], !hasCommonName),
        subjectKeyId(keyPair.identifier),
        authorityKeyId(authority.keyIdentifier),
      ],
    },
    authority.privateKey,
  );
  return { certificatePem, privateKeyPem: keyPair.privateKeyPem, notAfter };
}
