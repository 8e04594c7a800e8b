import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hiddenText } from '@onecli/shared/hide-credentials';
import type { Environment } from '../environment.ts';

const minCharacters = 6;
const secretName = /KEY|TOKEN|SECRET|PASS|CREDENTIAL|COOKIE|AUTH/i;

/**
 * The secrets that this command could come upon on this machine: in its environment, in the files that it names, in the data folder
 * and in what the user saved. They are looked for in a bundle by what they are, not only by their shape.
 */
export function knownSecrets({ inherited, configHome, home }: Environment, dataFolder: string | undefined): string[] {
  const found: string[] = [];
  for (const [name, content] of Object.entries(inherited)) {
    if (name.endsWith('_FILE')) found.push(...(secretName.test(name) ? fileLines(content) : []));
    else if (secretName.test(name)) found.push(content);
    found.push(...userInfoOf(content));
  }
  const saved = join(configHome ?? join(home ?? homedir(), '.config'), 'onecli');
  for (const file of ['login.json', 'agents.json']) found.push(...tokensIn(join(saved, file)));
  if (dataFolder !== undefined) {
    for (const file of ['master.key', 'master.key.next']) found.push(...fileLines(join(dataFolder, file)));
    found.push(...tokensIn(join(dataFolder, 'local-access.json')));
  }
  return [...new Set(found)].filter((text) => text.length >= minCharacters);
}

/** A text without any of the secrets, in whatever spelling: as it is, in JSON, in a URL, hex, or base64 at any place of a longer one. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const spellings = secrets.flatMap(spellingsOf).sort((one, other) => other.length - one.length);
  return spellings.reduce((hidden, spelling) => hidden.replaceAll(spelling, hiddenText), text);
}

function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  // Bytes that share a character of base64 with what stands around them are left out.
  const inBase64 = [0, 1, 2].flatMap((skip) => {
    const whole = bytes.subarray(skip, skip + Math.floor((bytes.length - skip) / 3) * 3);
    return [whole.toString('base64'), whole.toString('base64url')];
  });
  const json = JSON.stringify(secret).slice(1, -1);
  const all = [secret, json, encodeURIComponent(secret), hex, hex.toUpperCase(), ...inBase64];
  return [...new Set(all)].filter((spelling) => spelling.length >= minCharacters);
}

/** Name and password of a URL, as they stand there and decoded. */
function userInfoOf(text: string): string[] {
  if (!/:\/\/[^/]*@/.test(text) || !URL.canParse(text)) return [];
  const { password } = new URL(text);
  return [password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fileLines(path: string): string[] {
  return readOrEmpty(path)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function tokensIn(path: string): string[] {
  return [...readOrEmpty(path).matchAll(/"token":\s*"([^"]+)"/g)].map(([, token]) => token ?? '');
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there, or not for this user: then nothing of it comes into a bundle either.
    return '';
  }
}
