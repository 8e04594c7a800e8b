/**
 * The ways in which a peer that echoes a secret may write it: as it is, and as the encoders write it that stand between a
 * request's header and an answer's bytes. See docs/scrubbing.md for what this finds and what it cannot.
 */

/** A shorter secret is not searched for: ordinary text would hold it by chance. */
export const minSecretBytes = 6;
/** A shorter secret is searched for in its own letter case alone: `password` is a word, `PASSWORD` may be a secret. */
const minCaselessBytes = 16;
/** A longer secret is not searched for with every single byte escaped: those spellings are six times its size. */
const maxFullyEscapedBytes = 4096;

type Case = 'lower' | 'upper';
const cases: readonly Case[] = ['lower', 'upper'];

/**
 * Every spelling of a secret, once each, longest first. Takes the secret's UTF-8 bytes; gives none for a secret under
 * `minSecretBytes`. A spelling holds the secret alone and nothing of its neighbours.
 */
export function spellingsOf(secret: Buffer): Buffer[] {
  if (secret.length < minSecretBytes) return [];
  const text = secret.toString('utf8');
  const written: (string | Buffer)[] = [secret, ...base64(secret), ...percent(secret), ...json(text), ...html(text)];
  written.push(secret.toString('hex'), secret.toString('hex').toUpperCase());
  const wide = Buffer.from(text, 'utf16le');
  written.push(wide, Buffer.from(wide).swap16());
  if (secret.length >= minCaselessBytes) written.push(text.toLowerCase(), text.toUpperCase());
  if (secret.length <= maxFullyEscapedBytes) written.push(...fullyEscaped(secret, text));
  const once = new Map<string, Buffer>();
  for (const spelling of written) {
    const bytes = ownBytes(spelling);
    if (bytes.length >= minSecretBytes) once.set(bytes.toString('latin1'), bytes);
  }
  return [...once.values()].sort((a, b) => b.length - a.length);
}

/**
 * A secret in the middle of something that was encoded as a whole (`user:secret`) stands at one of three alignments. The
 * characters at its ends carry bits of its neighbours and differ with them: they are left out. Padding never belongs to the
 * secret. RFC 4648 4 and 5.
 */
function base64(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((bytesAhead) => {
    const encoded = Buffer.concat([Buffer.alloc(bytesAhead), secret]).toString('base64');
    const firstWhole = Math.ceil((bytesAhead * 8) / 6);
    const endOfWhole = Math.floor(((bytesAhead + secret.length) * 8) / 6);
    const whole = encoded.slice(firstWhole, endOfWhole);
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** What encoders leave as it is beside letters and digits: RFC 3986, JavaScript's two, forms, Python's quote, none. */
const keptByPercent = ['-._~', "-_.!~*'()", ";,/?:@&=+$#-_.!~*'()", '-._*', '-._~/', ''];

/** Percent-encoding (RFC 3986 2.1), a space as `+` (forms), and each once more, as in a URL within a URL. */
function percent(secret: Buffer): string[] {
  const spellings: string[] = [];
  for (const kept of keptByPercent)
    for (const letters of cases)
      for (const space of ['%20', '+']) {
        const spelling = eachByte(secret, (byte) => {
          const char = String.fromCharCode(byte);
          if (char === ' ') return space;
          return /[A-Za-z0-9]/.test(char) || kept.includes(char) ? char : `%${hex(byte, 2, letters)}`;
        });
        spellings.push(spelling, spelling.replaceAll('%', '%25'));
      }
  return spellings;
}

/** What JSON writers escape though they need not: nothing, HTML's characters (Go, PHP, Rails), more (.NET). */
const escapedByJson = [
  { chars: '', letters: 'lower' },
  { chars: '<>&', letters: 'lower' },
  { chars: '<>&', letters: 'upper' },
  { chars: '<>&\'"+`', letters: 'upper' },
] as const;
const shortEscapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\t': '\\t' };

/** A JSON string's inside (RFC 8259 7), by the writers that there are. */
function json(text: string): string[] {
  const spellings: string[] = [];
  for (const { chars, letters } of escapedByJson)
    for (const slash of ['/', '\\/'])
      for (const beyondAscii of [undefined, ...cases])
        spellings.push(
          eachUnit(text, (char, unit) => {
            if (char === '/') return slash;
            if (chars.includes(char)) return `\\u${hex(unit, 4, letters)}`;
            if (unit > 126 && beyondAscii !== undefined) return `\\u${hex(unit, 4, beyondAscii)}`;
            return shortEscapes[char] ?? char;
          }),
        );
  return spellings;
}

const quotesInHtml = ['"', '&quot;', '&#34;'];
const apostrophesInHtml = ["'", '&#39;', '&#x27;', '&#039;', '&apos;'];

/** Text in an HTML or XML document, by the writers that there are. */
function html(text: string): string[] {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return quotesInHtml.flatMap((quote) =>
    apostrophesInHtml.map((apostrophe) => escaped.replaceAll('"', quote).replaceAll("'", apostrophe)),
  );
}

/** Every byte or character escaped, needed or not. */
function fullyEscaped(secret: Buffer, text: string): string[] {
  const decimal = Array.from(text, (char) => `&#${char.codePointAt(0)};`).join('');
  return cases.flatMap((letters) => [
    eachByte(secret, (byte) => `%${hex(byte, 2, letters)}`),
    eachByte(secret, (byte) => `%25${hex(byte, 2, letters)}`),
    eachUnit(text, (_, unit) => `\\u${hex(unit, 4, letters)}`),
    Array.from(text, (char) => `&#x${hex(char.codePointAt(0) ?? 0, 0, letters)};`).join(''),
    decimal,
  ]);
}

/** Not from Buffer's shared pool, where a credential would lie beside what is sent elsewhere. */
function ownBytes(written: string | Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(written));
  if (typeof written === 'string') bytes.write(written, 'utf8');
  else written.copy(bytes);
  return bytes;
}

function eachByte(bytes: Buffer, write: (byte: number) => string): string {
  return Array.from(bytes, write).join('');
}

/** Over UTF-16 code units: JSON escapes a character beyond the basic plane as two. */
function eachUnit(text: string, write: (char: string, unit: number) => string): string {
  return text
    .split('')
    .map((char) => write(char, char.charCodeAt(0)))
    .join('');
}

function hex(value: number, digits: number, letters: Case): string {
  const written = value.toString(16).padStart(digits, '0');
  return letters === 'upper' ? written.toUpperCase() : written;
}
