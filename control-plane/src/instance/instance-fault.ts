/** Why an instance cannot be opened. The process must end: it is a matter of configuration. */
export class InstanceFault extends Error {
  override readonly name = 'InstanceFault';
  /** The exit code for faults of configuration. */
  readonly exitCode = 2;
  readonly code: 'WRONG_MASTER_KEY' | 'DATA_WITHOUT_KEY' | 'KEY_TERM_ALTERED';

  constructor(code: InstanceFault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
