import { isUtf8 } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const PRINTED = '[secret]';

/**
 * A credential that does not print. Template literals, `String()`, concatenation, JSON, `util.inspect` and the console
 * all give `[secret]`; a structured clone carries nothing. `reveal()` is the one way out.
 *
 * Two instances have no enumerable fields, so a deep comparison finds any two alike: compare with `equals()`.
 */
export class SecretValue {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * Takes text, or its UTF-8 bytes, which are copied: the caller may wipe its own.
   * @throws TypeError for what is not well-formed Unicode, since `reveal()` could not give it back unchanged.
   */
  static of(value: string | Buffer): SecretValue {
    const size = Buffer.byteLength(value);
    // Not from Buffer's shared pool: a clone of any small pooled buffer carries its whole slab with it.
    const bytes = Buffer.allocUnsafeSlow(size);
    if (typeof value === 'string') bytes.write(value, 'utf8');
    else value.copy(bytes);
    const isFaithful = typeof value === 'string' ? bytes.toString('utf8') === value : isUtf8(bytes);
    if (!isFaithful) throw new TypeError('A secret value must be well-formed Unicode text');
    return new SecretValue(bytes);
  }

  /** The text itself. Every caller is a place where a credential can leak; a test lists them. */
  reveal(): string {
    return this.#bytes.toString('utf8');
  }

  /** The length in bytes of the UTF-8 text. */
  bytes(): number {
    return this.#bytes.length;
  }

  /** Whether both hold the same text. The time taken tells the lengths at most. */
  equals(other: SecretValue): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes);
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [Symbol.toPrimitive](): string {
    return PRINTED;
  }

  [inspect.custom](): string {
    return PRINTED;
  }

  /** For printers that ignore custom inspection, such as `console.dir`. */
  get [Symbol.toStringTag](): string {
    return 'secret';
  }
}
