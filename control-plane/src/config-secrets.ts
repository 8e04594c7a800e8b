/** What of the configuration is a secret or lies in a file of its own. A fault names the variable, never the value. */
import { readFileSync } from 'node:fs';
import { parseRoots } from '@onecli/shared/netguard/upstream-context';
import { SecretValue } from '@onecli/shared/secret-value';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { sinkVariables } from './audit/sinks/sink-settings.ts';
import { hexKey, password } from './config-variables.ts';

export type Environment = Record<string, string | undefined>;

/** What nobody can verify is not sent: a webhook needs its key. */
export function readWebhookKey(given: Environment, faults: string[]): SecretValue | undefined {
  const name = 'ONECLI_AUDIT_WEBHOOK_KEY';
  const text = valueOrFile(name, given, faults);
  if (text === undefined) {
    if (given['ONECLI_AUDIT_WEBHOOK_URL'] !== undefined && given[`${name}_FILE`] === undefined)
      faults.push(`${name}: is not set: expected a key of at least 16 characters, or ${name}_FILE`);
    return undefined;
  }
  const parsed = sinkVariables.ONECLI_AUDIT_WEBHOOK_KEY.safeParse(text);
  if (parsed.success) return SecretValue.of(text);
  for (const issue of parsed.error.issues) faults.push(`${sourceOf(name, given)}: ${issue.message}`);
  return undefined;
}

export function readMasterKey(given: Environment, faults: string[]): MasterKey | undefined {
  const text = valueOrFile('ONECLI_MASTER_KEY', given, faults);
  if (text === undefined) {
    if (!given['ONECLI_MASTER_KEY_FILE'])
      faults.push('ONECLI_MASTER_KEY: is not set: expected 64 hexadecimal digits, or ONECLI_MASTER_KEY_FILE');
    return undefined;
  }
  const parsed = hexKey.safeParse(text);
  if (parsed.success) return MasterKey.fromHex(parsed.data);
  faults.push(`${sourceOf('ONECLI_MASTER_KEY', given)}: expected exactly 64 hexadecimal digits`);
  return undefined;
}

export function readRoots(file: string | undefined, faults: string[]): string | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, 'utf8');
    parseRoots(pem);
    return pem;
  } catch {
    faults.push('ONECLI_UPSTREAM_CA_FILE: expected a readable PEM file of certificates');
    return undefined;
  }
}

export function readPassword(given: Environment, faults: string[]): SecretValue | undefined {
  const text = valueOrFile('ONECLI_ADMIN_PASSWORD', given, faults);
  if (text === undefined) return undefined;
  const parsed = password.safeParse(text);
  if (parsed.success) return SecretValue.of(parsed.data);
  for (const issue of parsed.error.issues) faults.push(`${sourceOf('ONECLI_ADMIN_PASSWORD', given)}: ${issue.message}`);
  return undefined;
}

function sourceOf(name: string, given: Environment): string {
  return given[name] === undefined ? `${name}_FILE` : name;
}

/** The value of a variable or the content of the file that its `…_FILE` names, without the line's end. */
function valueOrFile(name: string, given: Environment, faults: string[]): string | undefined {
  const value = given[name];
  const path = given[`${name}_FILE`];
  if (path === undefined) return value;
  if (value !== undefined) {
    faults.push(`${name}_FILE: is set together with ${name}: expected one of the two`);
    return value;
  }
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    faults.push(
      `${name}_FILE: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): expected a readable file`,
    );
    return undefined;
  }
}
