import { X509Certificate } from 'node:crypto';
import { describeConstraints } from '@onecli/shared/certificates/name-constraints';
import { type AuthorityKind, openAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { Keyring } from '@onecli/shared/vault/keyring';
import type { AuthorityRow } from './authority.entity.ts';
import { type AuthorityState, stateOf } from './authority-store.ts';

/** An authority as it is shown: everything but its key. */
export interface AuthorityView {
  readonly id: string;
  readonly state: AuthorityState;
  readonly subject: string;
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  /** SHA-256 of the certificate that is trusted for it: its own, or the root that it came with. Null when altered. */
  readonly trustFingerprint: string | null;
  /** Which hosts it may issue for, by its name constraints: `permitted DNS example.com`; none: any. */
  readonly constraints: readonly string[];
  readonly notBefore: Date | null;
  readonly notAfter: Date | null;
  /** False when the row was altered: it is neither handed out, nor trusted, nor used. */
  readonly isIntact: boolean;
  readonly createdAt: Date;
  /** When it becomes active by itself; of the next one. */
  readonly activatesAt: Date | null;
  readonly activatedAt: Date | null;
  readonly replacedAt: Date | null;
}

export function authorityView(kind: AuthorityKind, keyring: Keyring, row: AuthorityRow): AuthorityView {
  const { id, createdAt, activatedAt, replacedAt } = row;
  const state = stateOf(row);
  return {
    id,
    state,
    ...describeCertificate(row.certificatePem),
    ...describeOpened(kind, keyring, row),
    createdAt,
    activatesAt: state === 'NEXT' ? row.activatesAt : null,
    activatedAt,
    replacedAt,
  };
}

function describeOpened(
  kind: AuthorityKind,
  keyring: Keyring,
  row: AuthorityRow,
): Pick<AuthorityView, 'trustFingerprint' | 'constraints' | 'isIntact'> {
  try {
    const { trustPem, constraints } = openAuthority(kind, keyring, row);
    const trustFingerprint = new X509Certificate(trustPem).fingerprint256;
    return { trustFingerprint, constraints: constraints.flatMap(describeConstraints), isIntact: true };
  } catch {
    return { trustFingerprint: null, constraints: [], isIntact: false };
  }
}

/** What agents are to trust of an authority of the gateway, PEM; undefined when its row was altered. */
export function trustOf(keyring: Keyring, row: AuthorityRow): string | undefined {
  try {
    return openAuthority('GATEWAY', keyring, row).trustPem;
  } catch {
    return undefined;
  }
}

function describeCertificate(pem: string): Pick<AuthorityView, 'subject' | 'fingerprint' | 'notBefore' | 'notAfter'> {
  try {
    const { subject, fingerprint256: fingerprint, validFrom, validTo } = new X509Certificate(pem);
    return { subject: oneLine(subject), fingerprint, notBefore: new Date(validFrom), notAfter: new Date(validTo) };
  } catch {
    return { subject: '', fingerprint: '', notBefore: null, notAfter: null };
  }
}

/** Node writes each part of a name on a line of its own. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
