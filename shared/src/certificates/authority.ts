/** The certificate authority that agents trust: it signs one short-lived leaf for each intercepted host. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type forge from 'node-forge';
import {
  basicConstraints,
  distinguishedName,
  keyIdentifier,
  keyUsage,
  MAX_COMMON_NAME_LENGTH,
  signatureAlgorithmOf,
  signCertificate,
  subjectKeyId,
  subjectPublicKeyInfo,
} from './certificate-asn1.ts';
import { type NameConstraints, permitsHost } from './name-constraints.ts';
import { readCertificate } from './read-certificate.ts';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Certificates start this long before they are made, for clients whose clock is behind. */
export const BACK_DATING_MS = 3_600_000;

/** An authority as it is stored: a certificate and its PKCS #8 private key, both PEM. */
export interface Authority {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** The certificates above it, PEM, the nearest first, the root last if it is there. Without any it is trusted itself. */
  readonly chain?: readonly string[];
}

/** An authority parsed once, ready to sign many leaves. */
export interface SigningAuthority {
  readonly certificatePem: string;
  /** What agents are to trust, PEM: the root, or the last certificate of the chain that is there. */
  readonly trustPem: string;
  /** What is sent after each leaf, PEM: all but a root. */
  readonly chainPem: string;
  readonly privateKey: KeyObject;
  readonly subject: forge.asn1.Asn1;
  readonly keyIdentifier: Buffer;
  /** When the first certificate of its chain ends. */
  readonly notAfter: Date;
  /** Of every certificate of its chain. */
  readonly constraints: readonly NameConstraints[];
}

/** Whether an authority may issue for a host. */
export function mayIssueFor({ constraints }: SigningAuthority, host: string): boolean {
  return permitsHost(constraints, host);
}

/**
 * Makes a new self-signed authority: CA:TRUE with path length 0, keyCertSign and cRLSign, a subject key identifier.
 * `validDays` counts from `now` (default: the present). Throws RangeError on a common name that is empty or longer than
 * 64 characters, or on days that are not positive. RFC 5280 section 4.2.
 */
export function createAuthority(options: { commonName: string; validDays: number; now?: Date }): Authority {
  const { commonName, validDays, now = new Date() } = options;
  if (commonName.length === 0 || commonName.length > MAX_COMMON_NAME_LENGTH) {
    throw new RangeError(`commonName must have 1 to ${MAX_COMMON_NAME_LENGTH} characters`);
  }
  if (!(validDays > 0)) throw new RangeError('validDays must be positive');
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyInfo = subjectPublicKeyInfo(publicKey);
  const name = distinguishedName(commonName);
  const certificatePem = signCertificate(
    {
      issuer: name,
      subject: name,
      notBefore: new Date(now.getTime() - BACK_DATING_MS),
      notAfter: new Date(now.getTime() + validDays * DAY_MS),
      publicKey: keyInfo,
      extensions: [basicConstraints(true), keyUsage('authority'), subjectKeyId(keyIdentifier(keyInfo))],
    },
    privateKey,
  );
  return { certificatePem, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/**
 * Parses a stored authority for signing. Throws when the PEM is malformed, the certificate is not an authority's, clients would not
 * accept the key's signatures, or the two do not belong together.
 */
export function parseAuthority({ certificatePem, privateKeyPem, chain = [] }: Authority): SigningAuthority {
  const certificates = [certificatePem, ...chain].map(readCertificate);
  const [own] = certificates;
  const privateKey = createPrivateKey(privateKeyPem);
  if (own?.certificate.ca !== true) throw new TypeError('the certificate is not an authority');
  signatureAlgorithmOf(privateKey);
  if (!own.certificate.checkPrivateKey(privateKey))
    throw new TypeError('the private key is not that of the certificate');
  const sent = certificates.filter(({ isSelfSigned }) => !isSelfSigned);
  return {
    certificatePem,
    trustPem: chain.at(-1) ?? certificatePem,
    chainPem: sent.map(({ certificate }) => certificate.toString()).join(''),
    privateKey,
    subject: own.subject,
    keyIdentifier: own.subjectKeyId ?? keyIdentifier(own.publicKey),
    notAfter: new Date(Math.min(...certificates.map(({ certificate }) => Date.parse(certificate.validTo)))),
    constraints: certificates.flatMap(({ nameConstraints }) => nameConstraints ?? []),
  };
}
