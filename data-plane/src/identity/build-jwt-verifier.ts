import type { Configuration } from '../snapshot/configuration.ts';
import { IssuerKeys, type IssuerKeysOptions } from './issuer-keys.ts';
import { JwtVerifier } from './jwt-verifier.ts';

export interface JwtVerifierParts extends Omit<IssuerKeysOptions, 'onWithdrawn'> {
  /** The configuration in force. */
  readonly configuration: { readonly current: Configuration | undefined };
  /** What agents have open. */
  readonly connections: { lookAgain(configuration: Configuration): Promise<void> };
}

/** A verifier of JWTs for which what is open is looked at again as soon as an issuer withdraws a key. */
export function buildJwtVerifier({ configuration, connections, ...fetching }: JwtVerifierParts): JwtVerifier {
  const onWithdrawn = (): void => {
    if (configuration.current) void connections.lookAgain(configuration.current);
  };
  return new JwtVerifier(new IssuerKeys({ ...fetching, onWithdrawn }));
}
