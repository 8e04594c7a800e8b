import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** How every API key begins, so that scanners of repositories and logs can find one that leaked. */
export const keyPrefix = 'ock_';
const randomLength = 32;
const checksumDigits = 6;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const form = /^ock_[0-9A-Za-z]{38}$/;
const shownCharacters = 8;

/**
 * A new API key: `ock_`, 32 random characters of base 62 (190 bits), and a checksum of 6 more, the CRC-32 of all before it in
 * base 62. Whoever sees the text can tell a key from a typo without asking anybody.
 */
export function newKeyText(): string {
  const body = keyPrefix + randomText(randomLength);
  return body + checksumOf(body);
}

/** Whether a text is a key that may exist: its form and its checksum are right. */
export function isKeyText(text: string): boolean {
  return form.test(text) && checksumOf(text.slice(0, -checksumDigits)) === text.slice(-checksumDigits);
}

/** The head of a key, by which a person tells it from another. */
export function shownHead(text: string): string {
  return text.slice(0, shownCharacters);
}

/** Characters of the alphabet, each as likely as the other: bytes over the last multiple of 62 are thrown away. */
function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += alphabet[byte % 62];
    }
  }
  return text;
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < checksumDigits; i++) {
    digits = `${alphabet[rest % 62]}${digits}`;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
