/** Character classes of RFC 9110 5.5 and 5.6.2 as tables: one look-up per octet, no regular expression on the hot path. */

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

/** VCHAR: what a request target is made of. Octets above 126 have no agreed reading there (RFC 3986 2.1). */
export const TARGET_OCTETS: Uint8Array = tableOf((octet) => octet > 32 && octet < 127);

function isMadeOf(text: string, table: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) if (table[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** Tells whether `text` may stand as a header name or a method (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  return text !== '' && isMadeOf(text, TOKEN_OCTETS);
}

/**
 * Tells whether `text` may be sent as a header value (RFC 9110 5.5): no CR, LF, NUL or other control byte but HTAB, and
 * no character above U+00FF, which latin1 would cut to another octet (U+010A to a line feed).
 */
export function isSendableValue(text: string): boolean {
  return isMadeOf(text, VALUE_OCTETS);
}

/** Tells whether `text` may be sent as a request target: visible ASCII only, not empty. */
export function isSendableTarget(text: string): boolean {
  return text !== '' && isMadeOf(text, TARGET_OCTETS);
}
