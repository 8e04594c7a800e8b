/**
 * Agents ask for the same again and again, byte for byte. A head that comes again on its connection is recognised by its
 * bytes, and is then the same object each time: what follows from a head alone need not be worked out anew.
 */
import type { Header, HeadLimits, Parsed, RequestHead } from './head.ts';
import { parseRequestHead } from './parse-head.ts';

/** A head that came at least twice on one connection, and on no other; it stands for exactly one run of bytes. */
export class RepeatedHead<Under extends object, Known extends object> implements RequestHead {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly headers: readonly Header[];
  /** Ends with what it was worked out under, so that nothing of that is kept by a connection which idles. */
  readonly #known = new WeakMap<Under, Known>();

  constructor({ method, target, minor, headers }: RequestHead) {
    this.method = method;
    this.target = target;
    this.minor = minor;
    this.headers = headers;
  }

  /** What was worked out from it under something else that does not change. */
  knownUnder(under: Under): Known | undefined {
    return this.#known.get(under);
  }

  keep(under: Under, known: Known): void {
    this.#known.set(under, known);
  }
}

interface LastHead {
  bytes: Buffer;
  head: RequestHead;
}

/** A longer one is not remembered. */
const maxBytes = 2048;

/** The last head of each connection that sent one of late. */
export class RepeatedHeads {
  /** Two generations: so that many thousands of connections that idle hold nothing. */
  #recent = new WeakMap<object, LastHead>();
  #older = new WeakMap<object, LastHead>();
  #recentCount = 0;
  readonly #maxRecent: number;

  constructor(maxRecent = 1024) {
    this.#maxRecent = maxRecent;
  }

  /** As `parseRequestHead`, for a connection; gives a `RepeatedHead` when the head before was the same. */
  parse(connection: object, bytes: Buffer, limits: HeadLimits, resumeFrom = 0): Parsed<RequestHead> {
    const last = resumeFrom === 0 ? this.#lastOf(connection) : undefined;
    if (last && beginsWith(bytes, last.bytes)) {
      if (!(last.head instanceof RepeatedHead)) last.head = new RepeatedHead(last.head);
      return { kind: 'head', head: last.head, consumedBytes: last.bytes.length };
    }
    const parsed = parseRequestHead(bytes, limits, resumeFrom);
    if (parsed.kind === 'head' && parsed.consumedBytes <= maxBytes) {
      this.#remember(connection, last, Buffer.from(bytes.subarray(0, parsed.consumedBytes)), parsed.head);
    }
    return parsed;
  }

  #lastOf(connection: object): LastHead | undefined {
    const last = this.#recent.get(connection);
    if (last) return last;
    const older = this.#older.get(connection);
    if (older) this.#add(connection, older);
    return older;
  }

  #remember(connection: object, last: LastHead | undefined, bytes: Buffer, head: RequestHead): void {
    if (!last) return this.#add(connection, { bytes, head });
    last.bytes = bytes;
    last.head = head;
  }

  #add(connection: object, last: LastHead): void {
    if (this.#recentCount === this.#maxRecent) {
      this.#older = this.#recent;
      this.#recent = new WeakMap();
      this.#recentCount = 0;
    }
    this.#recent.set(connection, last);
    this.#recentCount++;
  }
}

function beginsWith(bytes: Buffer, start: Buffer): boolean {
  const { length } = start;
  return bytes.length >= length && start.compare(bytes, 0, length, 0, length) === 0;
}
