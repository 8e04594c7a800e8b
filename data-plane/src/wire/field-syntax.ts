/**
 * Character classes of RFC 9110 5.5 and 5.6.2. Tables for octets that are received: a look-up on a Buffer costs a third of one
 * by charCodeAt. Regular expressions for strings that are sent: on short strings they cost least.
 */

const TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~";

function tableOf(isMember: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (isMember(octet) ? 1 : 0));
}

function isAlphanumeric(octet: number): boolean {
  return (octet >= 48 && octet <= 57) || (octet >= 65 && octet <= 90) || (octet >= 97 && octet <= 122);
}

/** tchar: what names and methods are made of. */
export const TOKEN_OCTETS: Uint8Array = tableOf(
  (octet) => isAlphanumeric(octet) || TOKEN_PUNCTUATION.includes(String.fromCharCode(octet)),
);

/** HTAB, SP, VCHAR and obs-text: what values and reason phrases are made of. */
export const VALUE_OCTETS: Uint8Array = tableOf((octet) => octet === 9 || (octet >= 32 && octet !== 127));

/** SP and HTAB. */
export const BLANK_OCTETS: Uint8Array = tableOf((octet) => octet === 9 || octet === 32);

/** VCHAR: what a request target is made of. Octets above 126 have no agreed reading there (RFC 3986 2.1). */
export const TARGET_OCTETS: Uint8Array = tableOf((octet) => octet > 32 && octet < 127);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const TARGET = /^[\x21-\x7e]+$/;

/** Tells whether `text` may stand as a header name or a method (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Tells whether `text` may be sent as a header value (RFC 9110 5.5): no CR, LF, NUL or other control byte but HTAB, and
 * no character above U+00FF, which latin1 would cut to another octet (U+010A to a line feed).
 */
export function isSendableValue(text: string): boolean {
  return !NOT_VALUE.test(text);
}

/** Tells whether `text` may be sent as a request target: visible ASCII only, not empty. */
export function isSendableTarget(text: string): boolean {
  return TARGET.test(text);
}
