/** What a command ends with when it cannot do its job: a message, what to do about it, and the exit code (1 fault, 2 usage). */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A fault in how the command was called: exit code 2. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(message, hint === undefined ? { exitCode: 2 } : { exitCode: 2, hint });
}
