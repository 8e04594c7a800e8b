/** The address is taken, or may not be listened on. The message says what to change. */
export class ListenFault extends Error {
  override readonly name = 'ListenFault';
}
