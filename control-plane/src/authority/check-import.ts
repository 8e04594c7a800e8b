import { createPrivateKey, type KeyObject, randomBytes, sign, verify, type X509Certificate } from 'node:crypto';
import type { Authority } from '@onecli/shared/certificates/authority';
import { SERVER_AUTH, signatureAlgorithmOf } from '@onecli/shared/certificates/certificate-asn1';
import { type CertificateFacts, readCertificate } from '@onecli/shared/certificates/read-certificate';
import type { Fault } from '@onecli/shared/fault';
import { invalidField } from '../configuration/parse-input.ts';

const maxCertificates = 6;
const keyCertSign = 5;
const anyExtendedKeyUsage = '2.5.29.37.0';
/** RSA with PKCS #1 v1.5 and ECDSA, each with SHA-256, SHA-384 or SHA-512: what every client accepts. */
const acceptedSignatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);
/** Critical extensions that every client knows: basic constraints, key usage, its extension, names, name constraints, policies. */
const knownCritical: ReadonlySet<string> = new Set([
  '2.5.29.19',
  '2.5.29.15',
  '2.5.29.37',
  '2.5.29.17',
  '2.5.29.30',
  '2.5.29.32',
]);

/**
 * Checks an authority that somebody brings: what it signs must be accepted by clients that trust its root.
 * `certificate`: PEM, its own first, then each that issued the one before, the root last or not at all. `privateKey`: PEM, in the clear.
 * @throws Fault INVALID that names the field, the certificate by its place, and what to do
 */
export function checkImport(
  input: { readonly certificate: string; readonly privateKey: string },
  now: Date,
): Authority {
  const chain = readChain(input.certificate);
  const key = readKey(input.privateKey);
  const [own, ...above] = chain;
  if (own === undefined) throw wrong('holds no certificate (PEM)');
  requireKeyOf(chain, key);
  for (const [index, facts] of chain.entries()) requireAuthority(facts, index, now);
  for (const [index, issuer] of above.entries()) requireIssued(chain[index] ?? own, issuer, index);
  return {
    certificatePem: own.certificate.toString(),
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: above.map(({ certificate }) => certificate.toString()),
  };
}

function wrong(problem: string): Fault {
  return invalidField('certificate', problem);
}

/** How a certificate of the chain is named: the first is 1. */
function nth(index: number, { certificate }: CertificateFacts): string {
  return `certificate ${index + 1} (${certificate.subject.split('\n').join(', ').slice(0, 200)})`;
}

function readChain(pem: string): CertificateFacts[] {
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label]) => label);
  const foreign = labels.find((label) => label !== 'CERTIFICATE');
  if (foreign !== undefined) throw wrong(`holds a ${foreign}: give certificates alone`);
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length !== labels.length || blocks.length === 0) throw wrong('must be certificates in PEM');
  if (blocks.length > maxCertificates) throw wrong(`must be at most ${maxCertificates} certificates`);
  return blocks.map((block, index) => {
    try {
      return readCertificate(block);
    } catch (cause) {
      const reason = cause instanceof TypeError ? `: ${cause.message}` : '';
      throw wrong(`cannot be read at certificate ${index + 1}${reason}`);
    }
  });
}

function readKey(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem))
    throw invalidField(
      'privateKey',
      'is encrypted: give it decrypted, by `openssl pkey -in key.pem | onecli ca import --key - …`',
    );
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Its cause may quote what was sent.
    throw invalidField('privateKey', 'must be a private key in PEM');
  }
  try {
    signatureAlgorithmOf(key);
  } catch {
    throw invalidField(
      'privateKey',
      'must be ECDSA (P-256, P-384, P-521) or RSA of 2048 to 4096 bits: clients accept no other',
    );
  }
  return key;
}

function requireKeyOf(chain: readonly CertificateFacts[], key: KeyObject): void {
  const place = chain.findIndex(({ certificate }) => certificate.checkPrivateKey(key));
  if (place === 0 && chain[0] && signsFor(chain[0].certificate, key)) return;
  if (place < 1) throw invalidField('privateKey', 'is not that of the certificate');
  throw wrong(`is in the wrong order: the key is that of certificate ${place + 1}, which has to come first`);
}

/** A key file tells its public key beside the private one, and is compared by that: a damaged one is found by what it signs. */
function signsFor({ publicKey }: X509Certificate, key: KeyObject): boolean {
  const text = randomBytes(32);
  try {
    return verify('sha256', text, publicKey, sign('sha256', text, key));
  } catch {
    return false;
  }
}

function requireAuthority(facts: CertificateFacts, index: number, now: Date): void {
  const { certificate, keyUsage, pathLength } = facts;
  const fail = (problem: string): Fault => wrong(`is not good at ${nth(index, facts)}: ${problem}`);
  if (keyUsage !== undefined && !keyUsage.includes(keyCertSign)) throw fail('its key usage lacks keyCertSign');
  if (!certificate.ca) throw fail('it is not an authority (basic constraints CA:TRUE)');
  // Of a time that is none both comparisons are false.
  if (!(new Date(certificate.validFrom) < new Date(certificate.validTo))) throw fail('its validity cannot be read');
  if (now < new Date(certificate.validFrom)) throw fail(`it is not valid before ${certificate.validFrom}`);
  if (now >= new Date(certificate.validTo)) throw fail(`it expired at ${certificate.validTo}`);
  if (pathLength !== undefined && pathLength < index)
    throw fail(`its path length of ${pathLength} allows fewer authorities below it than the ${index} that there are`);
  const unknown = facts.critical.find((oid) => !knownCritical.has(oid));
  if (unknown !== undefined) throw fail(`it has the critical extension ${unknown}, which clients do not know`);
  if (!facts.isSelfSigned) requireIntermediate(facts, fail);
}

/** What strict clients (OpenSSL's `-x509_strict`, Python from 3.13 on) want of an authority that is not a root. */
function requireIntermediate(facts: CertificateFacts, fail: (problem: string) => Fault): void {
  const { signatureAlgorithm, keyUsage, extendedKeyUsage, subjectKeyId, isConstraintsCritical } = facts;
  if (!acceptedSignatures.has(signatureAlgorithm))
    throw fail(`it is signed with an algorithm that not every client accepts (${signatureAlgorithm})`);
  if (keyUsage === undefined) throw fail('it has no key usage (keyCertSign)');
  if (!isConstraintsCritical) throw fail('its basic constraints are not critical');
  if (subjectKeyId === undefined) throw fail('it has no subject key identifier');
  if (extendedKeyUsage && !extendedKeyUsage.some((usage) => usage === SERVER_AUTH || usage === anyExtendedKeyUsage))
    throw fail('its extended key usage lacks serverAuth');
}

function requireIssued(facts: CertificateFacts, issuer: CertificateFacts, index: number): void {
  const { certificate } = facts;
  if (certificate.checkIssued(issuer.certificate) && certificate.verify(issuer.certificate.publicKey)) return;
  throw wrong(
    `is not a chain: ${nth(index + 1, issuer)} did not issue ${nth(index, facts)}. Order them from the one whose key it is up to the root`,
  );
}
