/**
 * An authority as it is stored. Its certificate lies open beside its key, and agents will trust whatever is handed out as that
 * certificate: so nothing is handed out that its sealed key does not vouch for.
 */
import { X509Certificate } from 'node:crypto';
import type { AuthorityRecord } from '../domain/snapshot.ts';
import { authorityContext, clientAuthorityContext } from '../seal-contexts.ts';
import type { Keyring } from '../vault/keyring.ts';
import { open, seal } from '../vault/seal.ts';
import { type Authority, parseAuthority, type SigningAuthority } from './authority.ts';

/** GATEWAY: agents trust it for intercepted hosts. CLIENT: it issues agents' client certificates. */
export const authorityKinds = ['GATEWAY', 'CLIENT'] as const;
export type AuthorityKind = (typeof authorityKinds)[number];

/** A sealed key opens in no authority of the other kind's place. */
const contexts = { GATEWAY: authorityContext, CLIENT: clientAuthorityContext };
const certificateMark = '-----BEGIN CERTIFICATE-----';

/** Seals the private key of an authority, and where it has a chain, all of the certificates with it: they are what it vouches for. */
export function sealAuthority(kind: AuthorityKind, keyring: Keyring, id: string, authority: Authority): Buffer {
  const { privateKeyPem, certificatePem, chain } = authority;
  const content = Buffer.from(privateKeyPem + (chain === undefined ? '' : [certificatePem, ...chain].join('')), 'utf8');
  const sealed = seal(keyring, contexts[kind](id), content);
  content.fill(0);
  return sealed;
}

/**
 * Opens a stored authority. @throws VaultFault, or TypeError when the certificate beside the key is not the one that was stored: a
 * certificate of another issuer for the same key would make agents trust that issuer
 */
export function openAuthority(
  kind: AuthorityKind,
  keyring: Keyring,
  { id, certificatePem, sealedKey }: AuthorityRecord,
): SigningAuthority {
  const content = open(keyring, contexts[kind](id), sealedKey);
  const [privateKeyPem = '', ...blocks] = content.toString('utf8').split(certificateMark);
  content.fill(0);
  const [sealedPem, ...chain] = blocks.map((block) => certificateMark + block);
  if (sealedPem !== undefined) {
    if (sealedPem !== certificatePem) throw new TypeError('the certificate is not the one that was sealed');
    return parseAuthority({ certificatePem, privateKeyPem, chain });
  }
  const certificate = new X509Certificate(certificatePem);
  if (!certificate.verify(certificate.publicKey)) throw new TypeError('the certificate is not signed by its own key');
  return parseAuthority({ certificatePem, privateKeyPem });
}
