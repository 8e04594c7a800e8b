/**
 * BAD_MASTER_KEY: not a key at all. WRONG_MASTER_KEY: a key, but not the one of this instance. MISSING_TERM: sealed under
 * a term that the keyring does not hold. CANNOT_OPEN: altered, cut short, moved, or not ours. The other BAD_… codes are
 * mistakes of the calling code.
 */
export type VaultFaultCode =
  | 'BAD_MASTER_KEY'
  | 'WRONG_MASTER_KEY'
  | 'MISSING_TERM'
  | 'CANNOT_OPEN'
  | 'BAD_INSTANCE_ID'
  | 'BAD_TERM'
  | 'BAD_KEY'
  | 'BAD_CONTEXT'
  | 'BAD_BINDING';

/** A refusal of the vault. The message names tables, rows and terms, never a value or a key. */
export class VaultFault extends Error {
  override readonly name = 'VaultFault';
  readonly code: VaultFaultCode;

  constructor(code: VaultFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
