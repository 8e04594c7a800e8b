/** The certificate authority that agents trust: it signs one short-lived leaf for each intercepted host. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import type forge from 'node-forge';
import {
  basicConstraints,
  children,
  distinguishedName,
  fromDer,
  keyIdentifier,
  keyUsage,
  MAX_COMMON_NAME_LENGTH,
  signCertificate,
  subjectKeyId,
  subjectPublicKeyInfo,
} from './certificate-asn1.ts';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Certificates start this long before they are made, for clients whose clock is behind. */
export const BACK_DATING_MS = 3_600_000;

/** An ECDSA P-256 authority as it is stored: a self-signed certificate and its PKCS #8 private key, both PEM. */
export interface Authority {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** An authority parsed once, ready to sign many leaves. */
export interface SigningAuthority {
  readonly certificatePem: string;
  /** What agents are to trust, PEM. */
  readonly trustPem: string;
  /** What is sent after each leaf, PEM; empty where agents trust the authority itself. */
  readonly chainPem: string;
  readonly privateKey: KeyObject;
  readonly subject: forge.asn1.Asn1;
  readonly keyIdentifier: Buffer;
  readonly notAfter: Date;
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
 * Parses a stored authority for signing. Throws when the PEM is malformed, the certificate is not an authority's,
 * the key is not ECDSA P-256, or the two do not belong together.
 */
export function parseAuthority(authority: Authority): SigningAuthority {
  const certificate = new X509Certificate(authority.certificatePem);
  const privateKey = createPrivateKey(authority.privateKeyPem);
  if (!certificate.ca) throw new TypeError('the certificate is not an authority');
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new TypeError('the key is not ECDSA P-256');
  if (!certificate.checkPrivateKey(privateKey)) throw new TypeError('the private key is not that of the certificate');
  // TBSCertificate: [0] version, serial, signature, issuer, validity, subject, public key, extensions.
  const tbs = children(children(fromDer(certificate.raw))[0]);
  const [subject, publicKey] = [tbs[5], tbs[6]];
  if (!subject || !publicKey) throw new TypeError('malformed certificate: it has no subject or no public key');
  return {
    certificatePem: authority.certificatePem,
    trustPem: authority.certificatePem,
    chainPem: '',
    privateKey,
    subject,
    keyIdentifier: keyIdentifier(publicKey),
    notAfter: new Date(certificate.validTo),
  };
}
