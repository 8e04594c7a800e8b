import { exitCodes } from '@onecli/shared/exit-codes';

/**
 * Something that keeps OneCLI from starting and that a person can put right. `message` says what is wrong and what to
 * do; it never holds a value of a setting. `exitCode` is what the process ends with.
 */
export class StartFault extends Error {
  override readonly name = 'StartFault';
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.fault;
  }
}
