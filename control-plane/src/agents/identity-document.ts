import {
  type AgentIdentity,
  type CertificateName,
  certificateNames,
  type JwtIdentity,
} from '@onecli/shared/domain/identity';
import type { IdentityInputs } from './identity-input.ts';

/** An identity in the form in which a person writes it: an object with one of the kinds. */
export type IdentityDocument =
  | { readonly token: { readonly expiresAt?: Date; readonly cidrs?: readonly string[] } }
  | { readonly mtls: { readonly [name in CertificateName]?: string } }
  | { readonly jwt: Omit<JwtIdentity, 'kind'> }
  | { readonly header: { readonly name: string; readonly value: string; readonly cidrs: readonly string[] } }
  | { readonly source: { readonly cidrs: readonly string[] } };

/** Checked input as it is kept. */
export function identitiesOf(inputs: IdentityInputs): AgentIdentity[] {
  return inputs.map(({ token, mtls, jwt, header, source }): AgentIdentity => {
    if (token) return { kind: 'token', expiresAtMs: token.expiresAt?.getTime(), cidrs: token.cidrs ?? [] };
    if (mtls) {
      const by = certificateNames.find((name) => mtls[name] !== undefined) ?? 'commonName';
      return { kind: 'mtls', by, name: mtls[by] ?? '' };
    }
    if (jwt) return { kind: 'jwt', ...jwt };
    if (header) return { kind: 'header', ...header };
    return { kind: 'source', cidrs: source?.cidrs ?? [] };
  });
}

/** What is kept, as it is shown. */
export function documentOf(identity: AgentIdentity): IdentityDocument {
  switch (identity.kind) {
    case 'token': {
      const { expiresAtMs, cidrs } = identity;
      return {
        token: {
          ...(expiresAtMs !== undefined && { expiresAt: new Date(expiresAtMs) }),
          ...(cidrs.length > 0 && { cidrs }),
        },
      };
    }
    case 'mtls':
      return { mtls: { [identity.by]: identity.name } };
    case 'jwt': {
      const { kind: _, ...jwt } = identity;
      return { jwt };
    }
    case 'header': {
      const { name, value, cidrs } = identity;
      return { header: { name, value, cidrs } };
    }
    case 'source':
      return { source: { cidrs: identity.cidrs } };
  }
}
