/** Percent-encoding of values and the reading of text that may hold encoded placeholders (RFC 3986 2.1). */

/** A text with its escapes decoded once, one character for each octet, and where each stood. */
export interface Decoded {
  readonly text: string;
  /** The offset in the raw text of each character of `text`, and of its end. */
  readonly rawAt: readonly number[];
}

const escapes = /%([0-9a-f]{2})/gi;

/** The text with its escapes decoded once; a bad escape stays as it is. */
export function decodeOnce(raw: string): string {
  return raw.replace(escapes, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** As `decodeOnce`, with offsets. A plus is a space in forms and in queries that are written as such; here it stays. */
export function decodeWithOffsets(raw: string): Decoded {
  let text = '';
  const rawAt: number[] = [];
  let at = 0;
  while (at < raw.length) {
    rawAt.push(at);
    const octet = raw[at] === '%' ? Number.parseInt(raw.slice(at + 1, at + 3), 16) : Number.NaN;
    const isEscape = !Number.isNaN(octet) && /^[0-9a-f]{2}$/i.test(raw.slice(at + 1, at + 3));
    text += isEscape ? String.fromCharCode(octet) : (raw[at] ?? '');
    at += isEscape ? 3 : 1;
  }
  rawAt.push(raw.length);
  return { text, rawAt };
}

/** The UTF-8 octets of a value, each escaped but those that never have a meaning (RFC 3986 2.3: unreserved). */
export function percentEncode(value: string): string {
  let encoded = '';
  for (const octet of Buffer.from(value, 'utf8')) {
    const character = String.fromCharCode(octet);
    encoded += /[A-Za-z0-9\-._~]/.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** Whether what stands at an offset of `name=value` pairs is in a name: an equals sign follows it, and none is ahead. */
export function isInName(raw: string, at: number): boolean {
  const start = raw.lastIndexOf('&', at) + 1;
  const end = raw.indexOf('&', at);
  const equals = raw.indexOf('=', start);
  return equals > at && (end === -1 || equals < end);
}
