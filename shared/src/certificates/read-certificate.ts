/** What `X509Certificate` of node:crypto does not tell of a certificate. */
import { X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { children, EXTENSION, fromDer } from './certificate-asn1.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

export interface CertificateFacts {
  readonly certificate: X509Certificate;
  readonly subject: Asn1;
  readonly publicKey: Asn1;
  readonly signatureAlgorithm: string;
  readonly isSelfSigned: boolean;
  /** The bits of the key usage, from the left; undefined without that extension. */
  readonly keyUsage: readonly number[] | undefined;
  readonly isConstraintsCritical: boolean;
  /** Certificates of authorities that may follow below; undefined: any number. */
  readonly pathLength: number | undefined;
  /** What keys may be used for, as OIDs; undefined: anything. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectKeyId: Buffer | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  /** OIDs of the critical extensions. */
  readonly critical: readonly string[];
}

/** Reads a certificate, PEM. Throws when it is malformed or not X.509 v3. */
export function readCertificate(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  // TBSCertificate: [0] version, serial, signature, issuer, validity, subject, public key, extensions.
  const [tbs, algorithm] = children(fromDer(certificate.raw));
  const [version, , , , , subject, publicKey, ...optional] = children(tbs);
  if (version?.tagClass !== asn1.Class.CONTEXT_SPECIFIC || !subject || !publicKey)
    throw new TypeError('the certificate is not X.509 v3');
  const list = optional.find(({ tagClass, type }) => tagClass === asn1.Class.CONTEXT_SPECIFIC && Number(type) === 3);
  const extensions = new Map((list ? children(children(list)[0]) : []).map(readExtension));
  const part = (oid: string) => extensions.get(oid)?.value;
  return {
    certificate,
    subject,
    publicKey,
    signatureAlgorithm: oidOf(children(algorithm)[0]),
    isSelfSigned: certificate.verify(certificate.publicKey),
    keyUsage: mapped(part(EXTENSION.keyUsage), bitsOf),
    isConstraintsCritical: extensions.get(EXTENSION.basicConstraints)?.isCritical === true,
    pathLength: mapped(part(EXTENSION.basicConstraints), pathLengthOf),
    extendedKeyUsage: mapped(part(EXTENSION.extendedKeyUsage), (value) => children(value).map(oidOf)),
    subjectKeyId: mapped(part(EXTENSION.subjectKeyId), bytesOf),
    nameConstraints: mapped(part(EXTENSION.nameConstraints), readNameConstraints),
    critical: [...extensions].filter(([, { isCritical }]) => isCritical).map(([oid]) => oid),
  };
}

function mapped<T>(value: Asn1 | undefined, read: (value: Asn1) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function readExtension(extension: Asn1): [string, { readonly isCritical: boolean; readonly value: Asn1 }] {
  const parts = children(extension);
  const isCritical = parts.length === 3 && bytesOf(parts[1])[0] !== 0;
  return [oidOf(parts[0]), { isCritical, value: fromDer(bytesOf(parts.at(-1))) }];
}

function bytesOf(node: Asn1 | undefined): Buffer {
  if (typeof node?.value !== 'string') throw new TypeError('malformed certificate: a primitive value was expected');
  return Buffer.from(node.value, 'latin1');
}

function oidOf(node: Asn1 | undefined): string {
  return asn1.derToOid(forge.util.createBuffer(bytesOf(node).toString('latin1')));
}

/** The numbers of the bits that are set; a bit string begins with how many bits at its end are unused. */
function bitsOf(node: Asn1): number[] {
  const bytes = [...bytesOf(node).subarray(1)];
  return bytes.flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (0x80 >> bit)) !== 0).map((bit) => at * 8 + bit),
  );
}

function pathLengthOf(basicConstraints: Asn1): number | undefined {
  const length = children(basicConstraints).find(({ type }) => type === asn1.Type.INTEGER);
  if (length === undefined) return undefined;
  const bytes = bytesOf(length);
  return bytes.length > 2 ? Number.MAX_SAFE_INTEGER : bytes.readIntBE(0, bytes.length);
}
