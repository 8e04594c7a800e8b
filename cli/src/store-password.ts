import { readFileSync } from 'node:fs';
import { CliError, usageError } from './cli-error.ts';
import { readHidden } from './read-secret-value.ts';

const fewestCharacters = 6;

/** The password of a PKCS #12 file: of a file's first line, else asked for or from stdin. @throws CliError when no reader would take it */
export async function readStorePassword(file: string | undefined): Promise<string> {
  const [password = ''] = file === undefined ? await readHidden(['Password of the file']) : [firstLine(file)];
  // Beyond ASCII programs disagree on how a password is written.
  if (!/^[\x20-\x7e]*$/.test(password)) throw usageError('the password of the file has to be of ASCII characters');
  if (password.length < fewestCharacters)
    throw usageError(
      `the password of the file has to have at least ${fewestCharacters} characters: Java takes no other`,
    );
  return password;
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (cause) {
    throw new CliError('--password-file cannot be read', { cause, exitCode: 2 });
  }
}

/** Checks the options that say how something is written. */
export function requireFormat(format: string, out: string | undefined): 'pem' | 'p12' {
  if (format !== 'pem' && format !== 'p12') throw usageError('--format has to be pem or p12');
  if (format === 'p12' && out === undefined) throw usageError('--format p12 needs --out: it is no text');
  return format;
}
