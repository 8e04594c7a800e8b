/**
 * A path pattern: literal text, `*` within a segment, `**` across segments. `/v1/**` covers `/v1/` and everything below
 * it, not `/v1` itself (write both, as `[/v1, /v1/**]`). The query is never part of it. Equivalent spellings are one:
 * escapes in either case, unreserved octets escaped or not (RFC 3986 6.2.2), and what a path cannot have raw.
 */
export interface PathPattern {
  readonly kind: 'pattern';
  /** The pattern in comparable form: what covers the same has the same. */
  readonly text: string;
  /** In comparable form (see `comparablePath`): the text ahead of the first wildcard, all of it when there is none. */
  readonly literal: string;
  readonly isExact: boolean;
  readonly covers: (path: string) => boolean;
  /** As `covers`, of a path that is in comparable form already. */
  readonly coversComparable: (path: string) => boolean;
}

export type ParsedPathPattern = PathPattern | { readonly kind: 'invalid'; readonly problem: string };

export interface PathPatternOptions {
  /** Deny rules ignore case: an upstream may, and a deny that misses `/Admin` is none. */
  readonly ignoreCase?: boolean;
}

const invalid = (problem: string): ParsedPathPattern => ({ kind: 'invalid', problem });

/** Parses a path pattern as an admin writes it. The result is linear in the length of the path, for any pattern. */
export function parsePathPattern(text: string, options: PathPatternOptions = {}): ParsedPathPattern {
  if (!text.startsWith('/')) return invalid('must start with `/`');
  if (text.length > 1024) return invalid('must be at most 1024 characters');
  if (/[?#\\\x00-\x20\x7f]/.test(text)) return invalid('must not have a query, a fragment, a backslash or white space');
  if (/[^\x00-\x7f]/.test(text)) return invalid('must be ASCII: escape other characters as UTF-8, `%C3%BC`');
  if (/%(?![0-9a-f]{2})/i.test(text)) return invalid('has a bad escape');
  const canonical = escapeUnsafe(text.replace(/%[0-9a-f]{2}/gi, canonicalEscape));
  if (/(^|\/)\.{1,2}(\/|$)/.test(canonical)) return invalid('must not have dot segments');
  if (/\*{3,}/.test(text)) return invalid('may have `*` and `**` only');
  if ((text.match(/\*+/g) ?? []).length > 16) return invalid('may have at most 16 wildcards');
  const pattern = options.ignoreCase ? canonical.toLowerCase() : canonical;
  const tokens = pattern.split(/(\*{1,2})/).filter((token) => token !== '');
  const [first = ''] = tokens;
  const coversComparable = matcherOf(pattern, tokens);
  return {
    kind: 'pattern',
    text: pattern,
    literal: first,
    isExact: !pattern.includes('*'),
    covers: (path) => coversComparable(comparablePath(path, options)),
    coversComparable,
  };
}

function matcherOf(pattern: string, tokens: readonly string[]): (path: string) => boolean {
  const [first = '', second] = tokens;
  if (tokens.length === 1) return (path) => path === pattern;
  if (tokens.length === 2 && second === '**') return (path) => path.startsWith(first);
  return (path) => matchesTokens(tokens, path);
}

/** The form of a path in which patterns of these options are compared with it. */
export function comparablePath(path: string, { ignoreCase }: PathPatternOptions): string {
  const canonical = escapeUnsafe(path);
  return ignoreCase ? canonical.toLowerCase() : canonical;
}

/** Visible ASCII that a path may not have raw (RFC 3986 3.3), though clients send it and upstreams take it. */
function escapeUnsafe(text: string): string {
  return text.replace(/["<>[\]^`{|}]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalEscape(escape: string): string {
  const octet = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9\-._~]/.test(octet) ? octet : escape.toUpperCase();
}

/** Walks the tokens over the set of offsets reached so far: no regular expression, no exponential blow-up. */
function matchesTokens(tokens: readonly string[], path: string): boolean {
  let reachable = new Set([0]);
  for (const [index, token] of tokens.entries()) {
    reachable = step(token, path, reachable, index === tokens.length - 1);
    if (reachable.size === 0) return false;
  }
  return reachable.has(path.length);
}

/** The offsets that can be reached from `from` by one token: a literal, `*` or `**`. */
function step(token: string, path: string, from: ReadonlySet<number>, isLast: boolean): Set<number> {
  const reached = new Set<number>();
  if (token === '**') {
    let start = path.length;
    for (const offset of from) start = Math.min(start, offset);
    if (isLast) return reached.add(path.length);
    for (let offset = start; offset <= path.length; offset++) reached.add(offset);
    return reached;
  }
  for (const offset of from) {
    if (token !== '*') {
      if (path.startsWith(token, offset)) reached.add(offset + token.length);
      continue;
    }
    for (let end = offset; end <= path.length && !reached.has(end); end++) {
      reached.add(end);
      if (path[end] === '/') break;
    }
  }
  return reached;
}
