import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { CertificateName } from '@onecli/shared/domain/identity';
import type { CertificateIssuer, PeerCertificate } from './peer.ts';

/** OpenSSL's verdict on the chain, which Node tells publicly only of the sockets that its own servers accepted. */
interface VerifiedSocket extends TLSSocket {
  readonly _handle: { verifyError(): Error | null | undefined } | null;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * The certificate that a client sent in a handshake that has ended, judged by the roots of the socket's context. `issuerOf` tells
 * which of our own authorities it is by.
 */
export function peerCertificate(
  socket: TLSSocket,
  issuerOf: (certificate: X509Certificate) => CertificateIssuer | undefined,
): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return undefined;
  const handle = (socket as VerifiedSocket)._handle;
  // Without a handle nothing was verified, which is no yes.
  if (!handle || handle.verifyError()) return { kind: 'untrusted' };
  // OpenSSL has judged the purpose by itself; an intercepted host's leaf must not pass whatever it thinks.
  const usages = certificate.keyUsage as readonly string[] | undefined;
  if (certificate.ca || (usages !== undefined && !usages.includes(CLIENT_AUTH))) return { kind: 'untrusted' };
  const expiresAtMs = Date.parse(certificate.validTo);
  return { kind: 'trusted', names: namesOf(certificate), expiresAtMs, issuer: issuerOf(certificate) };
}

/** How a name of a certificate is looked up. */
export function certificateKey(by: CertificateName, name: string): string {
  return `${by} ${name}`;
}

/** Its names that may be an identity: the common name, if there is exactly one, DNS names and URIs. */
export function namesOf(certificate: X509Certificate): string[] {
  // Of several common names Node makes a list.
  const commonName = certificate.toLegacyObject().subject.CN as string | readonly string[] | undefined;
  return [
    ...(typeof commonName === 'string' ? [certificateKey('commonName', commonName)] : []),
    ...alternativeNames(certificate.subjectAltName ?? ''),
  ];
}

const alternative = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/y;

/**
 * Node writes `DNS:a.example, URI:spiffe://…`, and a name that could be taken for more than one in quotes (CVE-2021-44532).
 * No identity has such a name: it is left out, and so is all after text that is not understood.
 */
function alternativeNames(text: string): string[] {
  const names: string[] = [];
  alternative.lastIndex = 0;
  for (let match = alternative.exec(text); match; match = alternative.exec(text)) {
    const [, type, name = ''] = match;
    if (name === '' || name.startsWith('"')) continue;
    if (type === 'DNS') names.push(certificateKey('dnsName', name.toLowerCase()));
    if (type === 'URI') names.push(certificateKey('uri', name));
  }
  return names;
}
