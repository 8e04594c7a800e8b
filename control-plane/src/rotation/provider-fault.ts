/** A call of a provider that did not do. Its message is kept and shown: it names the host and what happened, never a value. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';
  /** Nothing can have come of it: it was not sent, or the provider refused it. */
  readonly leftNothing: boolean;

  /** @param problem completes a sentence of which the host is the subject, and holds nothing that was sent or answered */
  constructor(host: string, problem: string, { leftNothing = false } = {}) {
    super(`${host.slice(0, 253)} ${problem}`);
    this.leftNothing = leftNothing;
  }
}
