/**
 * A document with a change laid over it: what the change does not mention stays, what it sets to null falls back to its
 * default, everything else replaces (RFC 7396, on the first level alone).
 */
export function layOver(document: object, change: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...document };
  for (const [name, value] of Object.entries(change) as [string, unknown][]) {
    if (value === undefined) continue;
    if (value === null) delete result[name];
    else result[name] = value;
  }
  return result;
}
