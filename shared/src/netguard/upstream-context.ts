/** Whom OneCLI believes when it calls somebody: the roots for upstreams, and for whatever the control plane calls. */
import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/**
 * The certificates of a PEM file, each as a PEM block. Text between blocks is ignored. Throws TypeError that names the
 * block when one is not a certificate, or when there is none: Node itself would pass over both in silence.
 */
export function parseRoots(pem: string): string[] {
  const roots = [...pem.matchAll(PEM_BLOCK)].map(([block], index) => {
    try {
      return new X509Certificate(block).toString();
    } catch (cause) {
      throw new TypeError(`PEM block ${index + 1} is not a certificate`, { cause });
    }
  });
  if (roots.length === 0) throw new TypeError('there is no certificate in the PEM text');
  return roots;
}

/**
 * The context for every upstream: the roots bundled with Node (Mozilla's) and the extra ones, TLS 1.2 or newer. The
 * system's own store is left out, so that a worker trusts the same authorities on every machine.
 * Throws TypeError when the extra roots are not certificates.
 */
export function createUpstreamContext(extraRootsPem?: string): SecureContext {
  const extra = extraRootsPem === undefined ? [] : parseRoots(extraRootsPem);
  return createSecureContext({
    ca: [...rootCertificates, ...extra],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  });
}
