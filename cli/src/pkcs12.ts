/** PKCS #12 files (RFC 7292), for Java and whatever else keeps certificates so. */
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { BmpString, ObjectIdentifier, OctetString } from 'asn1js';
import {
  Attribute,
  AuthenticatedSafe,
  CertBag,
  Certificate,
  PFX,
  PKCS8ShroudedKeyBag,
  PrivateKeyInfo,
  SafeBag,
  SafeContents,
} from 'pkijs';
import { certificatesIn } from './ca-bundle.ts';

const oids = {
  keyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Java's own: what a certificate is trusted for. Without it `keytool` does not see it. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
};
const iterations = 100_000;
/** What OpenSSL 3 and Java from 8u301 on read. */
const encryption = {
  contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256 },
  hmacHashAlgorithm: 'SHA-256',
  iterationCount: iterations,
};

/** A trust store with the certificates of a PEM text, each an entry that is trusted for all uses. `password`: ASCII. */
export function trustStore(pem: string, password: string): Promise<Buffer> {
  const bags = certificatesIn(pem).map((certificate, index) =>
    certificateBag(certificate, [
      attribute(oids.friendlyName, new BmpString({ value: index === 0 ? 'onecli' : `onecli-${index + 1}` })),
      attribute(oids.trustedKeyUsage, new ObjectIdentifier({ value: oids.anyExtendedKeyUsage })),
    ]),
  );
  return encode(bags, [], password);
}

/** A key store with one certificate and its private key (both PEM) under a name. `password`: ASCII. */
export async function keyStore(
  {
    certificate,
    privateKey,
    name,
  }: { readonly certificate: string; readonly privateKey: string; readonly name: string },
  password: string,
): Promise<Buffer> {
  const attributes = [
    attribute(oids.friendlyName, new BmpString({ value: name })),
    attribute(oids.localKeyId, new OctetString({ valueHex: bytes(randomBytes(20)) })),
  ];
  const key = createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' });
  const bagValue = new PKCS8ShroudedKeyBag({ parsedValue: PrivateKeyInfo.fromBER(bytes(key)) });
  await bagValue.makeInternalValues({ password: bytes(Buffer.from(password)), ...encryption });
  const keyBag = new SafeBag({ bagId: oids.keyBag, bagValue, bagAttributes: attributes });
  return encode([certificateBag(certificate, attributes)], [keyBag], password);
}

function certificateBag(pem: string, bagAttributes: Attribute[]): SafeBag {
  const parsedValue = Certificate.fromBER(bytes(new X509Certificate(pem).raw));
  return new SafeBag({ bagId: oids.certificateBag, bagValue: new CertBag({ parsedValue }), bagAttributes });
}

function attribute(type: string, value: BmpString | ObjectIdentifier | OctetString): Attribute {
  return new Attribute({ type, values: [value] });
}

/** @param sealed bags that are encrypted together; `plain`: those that are encrypted by themselves */
async function encode(sealed: SafeBag[], plain: SafeBag[], password: string): Promise<Buffer> {
  const secret = bytes(Buffer.from(password));
  const contents = [{ privacyMode: 1, value: new SafeContents({ safeBags: sealed }) }];
  if (plain.length > 0) contents.push({ privacyMode: 0, value: new SafeContents({ safeBags: plain }) });
  const authenticatedSafe = new AuthenticatedSafe({ parsedValue: { safeContents: contents } });
  await authenticatedSafe.makeInternalValues({
    safeContents: contents.map(({ privacyMode }) => (privacyMode === 1 ? { password: secret, ...encryption } : {})),
  });
  const store = new PFX({ parsedValue: { integrityMode: 0, authenticatedSafe } });
  await store.makeInternalValues({
    password: secret,
    iterations,
    pbkdf2HashAlgorithm: 'SHA-256',
    hmacHashAlgorithm: 'SHA-256',
  });
  return Buffer.from(store.toSchema().toBER(false));
}

/** A copy, for bytes of Node may be a part of a larger buffer. */
function bytes(part: Uint8Array): ArrayBuffer {
  return new Uint8Array(part).buffer;
}
