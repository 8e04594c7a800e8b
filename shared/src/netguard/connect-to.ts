/** `host:port=address:port,…`: dial there instead, as curl's --connect-to does. The name that is verified stays the same. */
import { isIP } from 'node:net';

export interface Endpoint {
  /** A lower-case name or an IP literal without brackets. */
  readonly host: string;
  readonly port: number;
}

export type ConnectToParse =
  | { readonly kind: 'connect-to'; readonly connectTo: ConnectTo }
  | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** Where to dial for which host and port. */
export class ConnectTo {
  readonly #targets: ReadonlyMap<string, Endpoint>;

  constructor(targets: ReadonlyMap<string, Endpoint>) {
    this.#targets = targets;
  }

  /** The endpoint to dial for a canonical `host` and `port`: the mapped one, or themselves. */
  endpointFor(host: string, port: number): Endpoint {
    return this.#targets.get(key({ host, port })) ?? { host, port };
  }
}

const key = ({ host, port }: Endpoint): string => `${host} ${port}`;
const NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/**
 * Reads `host:port=address:port` entries, comma-separated, spaces allowed around them; IPv6 literals in brackets. The
 * right side may be a name. Names are compared without letter case and trailing dot. All faults are named together, by
 * position and not by value.
 */
export function parseConnectTo(text: string): ConnectToParse {
  const targets = new Map<string, Endpoint>();
  const faults: string[] = [];
  const entries = text.trim() === '' ? [] : text.split(',');
  for (const [index, entry] of entries.entries()) {
    const sides = entry.split('=');
    const [from, to] = sides.map(parseEndpoint);
    const where = `entry ${index + 1}`;
    if (sides.length !== 2) faults.push(`${where}: expected host:port=address:port`);
    else {
      if (!from) faults.push(`${where}: left of "=" expected host:port, the port 1 to 65535`);
      if (!to) faults.push(`${where}: right of "=" expected address:port, the port 1 to 65535`);
      if (from && targets.has(key(from))) faults.push(`${where}: this host and port stand in an earlier entry too`);
      if (from && to) targets.set(key(from), to);
    }
  }
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'connect-to', connectTo: new ConnectTo(targets) };
}

function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([1-9]\d{0,4})$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return undefined;
  const [, bracketed, plain] = match;
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed.toLowerCase(), port } : undefined;
  const host = (plain ?? '').toLowerCase().replace(/\.$/, '');
  return NAME.test(host) ? { host, port } : undefined;
}
