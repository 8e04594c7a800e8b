import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import { type Delta, LayeredMap } from './layered-map.ts';
import { portsOf } from './named-ports.ts';

/** A secret that is known by an alias, and what the alias has ahead of its id. */
export interface KnownAlias {
  readonly secret: SecretRecord;
  readonly prefix: string;
  /** When it dies, in milliseconds since the epoch; undefined for one that lives. */
  readonly untilMs: number | undefined;
}

/**
 * What requests ask of all secrets together. Each change of some secrets gives the next facts: counting them anew, a hundred
 * thousand of them, would hold up every request meanwhile.
 */
export class SecretFacts {
  /** How many bindings name each port. */
  readonly #ports: ReadonlyMap<number, number>;
  readonly #inBodies: number;
  readonly #aliases: LayeredMap<string, KnownAlias>;

  private constructor(ports: ReadonlyMap<number, number>, inBodies: number, aliases: LayeredMap<string, KnownAlias>) {
    this.#ports = ports;
    this.#inBodies = inBodies;
    this.#aliases = aliases;
  }

  static of(secrets: Iterable<SecretRecord>): SecretFacts {
    const none = new SecretFacts(new Map(), 0, LayeredMap.of<string, KnownAlias>([]));
    return none.with({ added: [...secrets], removed: [] });
  }

  /** The facts when these secrets have come and those have gone. */
  with({ added, removed }: Delta<SecretRecord>): SecretFacts {
    const ports = new Map(this.#ports);
    for (const secret of removed) count(ports, secret, -1);
    for (const secret of added) count(ports, secret, 1);
    const inBodies = this.#inBodies + added.filter(isForBodies).length - removed.filter(isForBodies).length;
    // What has gone first: an alias stays with a secret that is written anew.
    const aliases = this.#aliases.with([
      ...removed.flatMap((secret) => aliasEntry(secret).map(([id]) => [id, undefined] as const)),
      ...added.flatMap(aliasEntry),
    ]);
    return new SecretFacts(ports, inBodies, aliases);
  }

  /** True when a binding names the port. */
  namesPort(port: number): boolean {
    return this.#ports.has(port);
  }

  /** True when some secret may stand in request bodies somewhere. */
  get hasBodySurfaces(): boolean {
    return this.#inBodies > 0;
  }

  /** The secret whose alias has this id. */
  alias(id: string): KnownAlias | undefined {
    return this.#aliases.get(id);
  }
}

function count(ports: Map<number, number>, { binding }: SecretRecord, by: 1 | -1): void {
  for (const port of portsOf(binding.hosts)) {
    const after = (ports.get(port) ?? 0) + by;
    if (after > 0) ports.set(port, after);
    else ports.delete(port);
  }
}

function isForBodies({ binding: { surfaces } }: SecretRecord): boolean {
  return surfaces.includes('json') || surfaces.includes('form') || surfaces.includes('text');
}

/** Of the alias, and of the one before it while that may still be used. */
function aliasEntry(secret: SecretRecord): (readonly [string, KnownAlias])[] {
  const { alias, previousAlias: before } = secret;
  const entry = (text: string, untilMs?: number): readonly [string, KnownAlias] => {
    const { prefix, id } = splitAlias(text);
    return [id, { secret, prefix, untilMs }];
  };
  return [...(alias === undefined ? [] : [entry(alias)]), ...(before ? [entry(before.alias, before.untilMs)] : [])];
}
