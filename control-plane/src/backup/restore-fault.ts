/** Why a backup is not restored. Nothing was changed. The message says what to do. */
export class RestoreFault extends Error {
  override readonly name = 'RestoreFault';
}
