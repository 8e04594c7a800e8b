/** The ASN.1 pieces of an X.509 v3 certificate (RFC 5280), built with node-forge; signatures are node:crypto's. */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import forge from 'node-forge';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const COMMON_NAME = '2.5.4.3';
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
export const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** X.520 allows a common name of at most 64 characters (ub-common-name, RFC 5280 appendix A.1). */
export const MAX_COMMON_NAME_LENGTH = 64;

export interface TbsCertificate {
  readonly issuer: Asn1;
  readonly subject: Asn1;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: Asn1;
  readonly extensions: readonly Asn1[];
}

const universal = (type: forge.asn1.Type, constructed: boolean, value: string | Asn1[]): Asn1 =>
  asn1.create(asn1.Class.UNIVERSAL, type, constructed, value);
const contextual = (tag: number, constructed: boolean, value: string | Asn1[]): Asn1 =>
  asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, constructed, value);
const sequence = (...items: Asn1[]): Asn1 => universal(asn1.Type.SEQUENCE, true, items);
const oid = (dotted: string): Asn1 => universal(asn1.Type.OID, false, asn1.oidToDer(dotted).getBytes());
const octets = (bytes: string): Asn1 => universal(asn1.Type.OCTETSTRING, false, bytes);
const boolean = (): Asn1 => universal(asn1.Type.BOOLEAN, false, '\xff');
const integer = (bytes: string): Asn1 => universal(asn1.Type.INTEGER, false, bytes);
const bitString = (bytes: string): Asn1 => universal(asn1.Type.BITSTRING, false, bytes);

/** Reads DER into node-forge's tree, leaving BIT STRINGs as they are, so that it encodes to the same bytes again. */
export function fromDer(der: Buffer): Asn1 {
  // The options form is missing from the published types.
  const read = asn1.fromDer as unknown as (bytes: forge.util.ByteBuffer, options: object) => Asn1;
  return read(forge.util.createBuffer(der.toString('latin1')), {
    strict: true,
    parseAllBytes: true,
    decodeBitStrings: false,
  });
}

function toDer(node: Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

/** The children of a constructed node. Throws TypeError on a primitive one. */
export function children(node: Asn1 | undefined): Asn1[] {
  if (!node || !Array.isArray(node.value))
    throw new TypeError('malformed certificate: a constructed value was expected');
  return node.value;
}

/** A distinguished name with one common name, or the empty name when `commonName` is undefined. */
export function distinguishedName(commonName: string | undefined): Asn1 {
  if (commonName === undefined) return sequence();
  const text = universal(asn1.Type.UTF8, false, forge.util.encodeUtf8(commonName));
  return sequence(universal(asn1.Type.SET, true, [sequence(oid(COMMON_NAME), text)]));
}

/** The SubjectPublicKeyInfo of a key, as ASN.1. */
export function subjectPublicKeyInfo(publicKey: KeyObject): Asn1 {
  return fromDer(publicKey.export({ type: 'spki', format: 'der' }));
}

/** RFC 5280 section 4.2.1.2 method 1: SHA-1 over the bits of the public key. An identifier, not a protection. */
export function keyIdentifier(publicKey: Asn1): Buffer {
  const bits = children(publicKey)[1]?.value;
  if (typeof bits !== 'string') throw new TypeError('malformed public key: a bit string was expected');
  return createHash('sha1')
    .update(Buffer.from(bits.slice(1), 'latin1'))
    .digest();
}

function extension(id: string, isCritical: boolean, value: Asn1): Asn1 {
  const wrapped = octets(asn1.toDer(value).getBytes());
  return isCritical ? sequence(oid(id), boolean(), wrapped) : sequence(oid(id), wrapped);
}

/** Basic constraints, critical: an authority that may sign leaves only (path length 0), or not an authority. */
export function basicConstraints(isAuthority: boolean): Asn1 {
  return extension(EXTENSION.basicConstraints, true, isAuthority ? sequence(boolean(), integer('\0')) : sequence());
}

/** Key usage, critical. Bits are numbered from the left: 0 digitalSignature, 5 keyCertSign, 6 cRLSign. */
export function keyUsage(usage: 'authority' | 'leaf'): Asn1 {
  return extension(EXTENSION.keyUsage, true, bitString(usage === 'authority' ? '\x01\x06' : '\x07\x80'));
}

export function serverAuthUsage(): Asn1 {
  return extension(EXTENSION.extendedKeyUsage, false, sequence(oid(SERVER_AUTH)));
}

export function clientAuthUsage(): Asn1 {
  return extension(EXTENSION.extendedKeyUsage, false, sequence(oid(CLIENT_AUTH)));
}

export function subjectKeyId(identifier: Buffer): Asn1 {
  return extension(EXTENSION.subjectKeyId, false, octets(identifier.toString('latin1')));
}

export function authorityKeyId(identifier: Buffer): Asn1 {
  return extension(EXTENSION.authorityKeyId, false, sequence(contextual(0, false, identifier.toString('latin1'))));
}

/** A GeneralName: dNSName, uniformResourceIdentifier (both ASCII) or iPAddress. */
export interface SubjectName {
  readonly kind: 'dns' | 'uri' | 'address';
  readonly text: string;
}

/** The names that a certificate is for. It is critical exactly when the subject is empty (RFC 5280 section 4.2.1.6). */
export function subjectAltNames(names: readonly SubjectName[], isCritical: boolean): Asn1 {
  return extension(EXTENSION.subjectAltName, isCritical, sequence(...names.map(generalName)));
}

function generalName({ kind, text }: SubjectName): Asn1 {
  switch (kind) {
    case 'dns':
      return contextual(2, false, text);
    case 'uri':
      return contextual(6, false, text);
    case 'address':
      return contextual(7, false, Buffer.from(ipaddr.parse(text).toByteArray()).toString('latin1'));
  }
}

/** RFC 5280 section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050. */
function time(date: Date): Asn1 {
  return date.getUTCFullYear() < 2050
    ? universal(asn1.Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : universal(asn1.Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
}

/** 128 random bits below a constant 0x01, so that it is positive and its DER is minimal whatever the bits are. */
function randomSerial(): Asn1 {
  return integer(`\x01${randomBytes(16).toString('latin1')}`);
}

interface SignatureAlgorithm {
  readonly hash: string;
  readonly identifier: Asn1;
}

const ECDSA_BY_CURVE: Readonly<Record<string, { readonly hash: string; readonly id: string }>> = {
  prime256v1: { hash: 'sha256', id: '1.2.840.10045.4.3.2' },
  secp384r1: { hash: 'sha384', id: '1.2.840.10045.4.3.3' },
  secp521r1: { hash: 'sha512', id: '1.2.840.10045.4.3.4' },
};
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const MIN_RSA_BITS = 2048;
/** Each leaf costs a signature, in which nobody is served. */
const MAX_RSA_BITS = 4096;

/**
 * How a key signs certificates so that clients accept it: ECDSA on P-256, P-384 or P-521 (RFC 5758), RSA of 2048 to 4096 bits with
 * PKCS #1 v1.5 (RFC 4055). Throws TypeError for any other key.
 */
export function signatureAlgorithmOf(key: KeyObject): SignatureAlgorithm {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const ecdsa = key.asymmetricKeyType === 'ec' ? ECDSA_BY_CURVE[namedCurve] : undefined;
  if (ecdsa) return { hash: ecdsa.hash, identifier: sequence(oid(ecdsa.id)) };
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS)
    return { hash: 'sha256', identifier: sequence(oid(SHA256_WITH_RSA), universal(asn1.Type.NULL, false, '')) };
  throw new TypeError('the key is neither ECDSA (P-256, P-384, P-521) nor RSA of 2048 to 4096 bits');
}

/** Encodes and signs a certificate. Gives PEM. Throws as `signatureAlgorithmOf`. */
export function signCertificate(tbs: TbsCertificate, issuerKey: KeyObject): string {
  const { hash, identifier: algorithm } = signatureAlgorithmOf(issuerKey);
  const body = sequence(
    contextual(0, true, [integer('\x02')]),
    randomSerial(),
    algorithm,
    tbs.issuer,
    sequence(time(tbs.notBefore), time(tbs.notAfter)),
    tbs.subject,
    tbs.publicKey,
    contextual(3, true, [sequence(...tbs.extensions)]),
  );
  const signature = sign(hash, toDer(body), issuerKey);
  return toPem(toDer(sequence(body, algorithm, bitString(`\0${signature.toString('latin1')}`))));
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
