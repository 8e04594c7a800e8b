/**
 * A path pattern: literal text, `*` within a segment, `**` across segments. `/v1/**` covers `/v1/` and everything below
 * it, not `/v1` itself (write both, as `[/v1, /v1/**]`). The query is never part of it.
 */
export type ParsedPathPattern =
  | { readonly kind: 'pattern'; readonly covers: (path: string) => boolean }
  | { readonly kind: 'invalid'; readonly problem: string };

export interface PathPatternOptions {
  /** Deny rules ignore case: an upstream may, and a deny that misses `/Admin` is none. */
  readonly ignoreCase?: boolean;
}

const invalid = (problem: string): ParsedPathPattern => ({ kind: 'invalid', problem });

/** Parses a path pattern as an admin writes it. The result is linear in the length of the path, for any pattern. */
export function parsePathPattern(text: string, options: PathPatternOptions = {}): ParsedPathPattern {
  if (!text.startsWith('/')) return invalid('must start with `/`');
  if (text.length > 1024) return invalid('must be at most 1024 characters');
  if (/[?#\\\s\x00-\x20\x7f]/.test(text))
    return invalid('must not have a query, a fragment, a backslash or white space');
  if (/(^|\/)\.{1,2}(\/|$)/.test(text)) return invalid('must not have dot segments');
  if (/\*{3,}/.test(text)) return invalid('may have `*` and `**` only');
  if ((text.match(/\*+/g) ?? []).length > 16) return invalid('may have at most 16 wildcards');
  const pattern = options.ignoreCase ? text.toLowerCase() : text;
  const tokens = pattern.split(/(\*{1,2})/).filter((token) => token !== '');
  if (tokens.length === 1 && !pattern.includes('*')) {
    return {
      kind: 'pattern',
      covers: options.ignoreCase ? (path) => path.toLowerCase() === pattern : (path) => path === pattern,
    };
  }
  return { kind: 'pattern', covers: (path) => matchesTokens(tokens, options.ignoreCase ? path.toLowerCase() : path) };
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
    const start = Math.min(...from);
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
