import { readFileSync } from 'node:fs';

/** A file that should hold a passphrase and does not. The message names it and says what to do. */
export class PassphraseFileFault extends Error {
  override readonly name = 'PassphraseFileFault';
}

/**
 * The passphrase of a file: its first line, without the end of it. Whoever seals and whoever opens read it by this.
 * @throws PassphraseFileFault
 */
export function readPassphraseFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PassphraseFileFault(`${path}: the passphrase cannot be read: expected a file that is there and ours`, {
      cause,
    });
  }
  const passphrase = text.split(/\r?\n/, 1)[0] ?? '';
  if (passphrase === '') throw new PassphraseFileFault(`${path}: expected a passphrase in its first line`);
  return passphrase;
}
