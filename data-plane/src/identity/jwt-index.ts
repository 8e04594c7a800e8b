import type { JwtIdentity } from '@onecli/shared/domain/identity';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';

/** Where the keys of an issuer come from. */
export interface KeySource {
  readonly issuer: string;
  /** Undefined: the issuer's OpenID configuration says. */
  readonly jwksUri: string | undefined;
}

/** A JWT whose signature and times are good. */
export interface VerifiedJwt {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly expiresAtMs: number;
  /** The key sources that its signature holds under, and how the key stands that it was made by. */
  readonly sources: ReadonlyMap<string, KeyStanding>;
}

/** Of one key of one source, for as long as somebody goes by it. */
export interface KeyStanding {
  /** Its source does not publish it any more: what was signed by it is not believed any more. */
  isWithdrawn: boolean;
}

/** True when a key of a JWT was withdrawn since it was verified. */
export function isWithdrawn(jwt: VerifiedJwt | undefined): boolean {
  if (jwt) for (const standing of jwt.sources.values()) if (standing.isWithdrawn) return true;
  return false;
}

/** Identities that ask for the same claims, of whatever values. */
interface Shape {
  readonly claimNames: readonly string[];
  readonly agents: Map<string, AgentRecord>;
}

/** A claim that is a list may have any of its values asked for: so many combinations are tried. */
const maxCombinations = 4096;

/** The JWT identities of all agents. One is found by a look-up for each different set of claim names, not for each agent. */
export class JwtIndex {
  readonly #sources = new Map<string, Map<string, KeySource>>();
  readonly #shapes = new Map<string, Map<string, Shape>>();

  add(agent: AgentRecord, { issuer, audience, claims, jwksUri }: JwtIdentity): void {
    const source = { issuer, jwksUri };
    const sources = this.#sources.get(issuer) ?? new Map<string, KeySource>();
    this.#sources.set(issuer, sources.set(sourceKey(source), source));
    const place = placeKey(sourceKey(source), audience);
    const shapes = this.#shapes.get(place) ?? new Map<string, Shape>();
    this.#shapes.set(place, shapes);
    const claimNames = Object.keys(claims).sort();
    const name = JSON.stringify(claimNames);
    const shape = shapes.get(name) ?? { claimNames, agents: new Map<string, AgentRecord>() };
    shapes.set(name, shape);
    shape.agents.set(JSON.stringify(claimNames.map((claim) => claims[claim])), agent);
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** Where the keys of an issuer come from, by key; undefined for an issuer that no agent has. */
  sourcesOf(issuer: string): ReadonlyMap<string, KeySource> | undefined {
    return this.#sources.get(issuer);
  }

  /** Every agent that a verified JWT is for. */
  agentsOf(jwt: VerifiedJwt): Set<AgentRecord> {
    const found = new Set<AgentRecord>();
    for (const [source, standing] of jwt.sources) {
      if (standing.isWithdrawn) continue;
      for (const audience of jwt.audiences) {
        const shapes = this.#shapes.get(placeKey(source, audience));
        for (const shape of shapes?.values() ?? []) {
          for (const values of combinations(shape.claimNames.map((name) => valuesOf(jwt.claims, name)))) {
            const agent = shape.agents.get(JSON.stringify(values));
            if (agent) found.add(agent);
          }
        }
      }
    }
    return found;
  }
}

/** What tells one key source from another. */
export function sourceKey({ issuer, jwksUri }: KeySource): string {
  return JSON.stringify([issuer, jwksUri]);
}

function placeKey(source: string, audience: string): string {
  return JSON.stringify([source, audience]);
}

function valuesOf(claims: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === 'string');
}

function combinations(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const count = lists.reduce((product, list) => product * list.length, 1);
  if (count === 0 || count > maxCombinations) return [];
  return lists.reduce<readonly (readonly string[])[]>(
    (rows, list) => rows.flatMap((row) => list.map((value) => [...row, value])),
    [[]],
  );
}
