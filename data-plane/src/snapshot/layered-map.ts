/** What one map has that the one before had not. */
export interface Delta<V> {
  readonly added: readonly V[];
  readonly removed: readonly V[];
}

/** A layer that has grown beyond this share of what lies below is merged with it. */
const largestShare = 1 / 32;
const smallestLayer = 256;

/**
 * A map that is never altered: `with` gives the next one, which shares with it what is the same. A change of one entry among a
 * hundred thousand costs what its own layer costs, not a copy of them all.
 */
export class LayeredMap<K, V extends object> implements ReadonlyMap<K, V> {
  readonly size: number;
  readonly #below: ReadonlyMap<K, V>;
  /** Undefined: gone. */
  readonly #layer: ReadonlyMap<K, V | undefined>;
  /** Stands for this map in the next one's memory, which must not keep all maps before it alive. */
  readonly #identity = {};
  #origin: { readonly identity: object; readonly delta: Delta<V> } | undefined;

  private constructor(below: ReadonlyMap<K, V>, layer: ReadonlyMap<K, V | undefined>, size: number) {
    this.#below = below;
    this.#layer = layer;
    this.size = size;
  }

  static of<K, V extends object>(entries: Iterable<readonly [K, V]>): LayeredMap<K, V> {
    const below = new Map(entries);
    return new LayeredMap<K, V>(below, new Map(), below.size);
  }

  /** The map with some entries set; undefined takes one out. Itself when none of them says anything new. */
  with(edits: Iterable<readonly [K, V | undefined]>): LayeredMap<K, V> {
    const layer = new Map(this.#layer);
    const delta = { added: [] as V[], removed: [] as V[] };
    for (const [key, value] of new Map(edits)) {
      const before = this.get(key);
      if (before === value) continue;
      if (before !== undefined) delta.removed.push(before);
      if (value !== undefined) delta.added.push(value);
      layer.set(key, value);
    }
    if (delta.added.length === 0 && delta.removed.length === 0) return this;
    const next = this.#over(layer, this.size + delta.added.length - delta.removed.length);
    next.#origin = { identity: this.#identity, delta };
    return next;
  }

  #over(layer: ReadonlyMap<K, V | undefined>, size: number): LayeredMap<K, V> {
    const next = new LayeredMap<K, V>(this.#below, layer, size);
    return layer.size > Math.max(smallestLayer, this.#below.size * largestShare) ? LayeredMap.of(next) : next;
  }

  /** How this map differs from the one that it was made of; undefined when it was not made of `before`. */
  since(before: unknown): Delta<V> | undefined {
    if (!(before instanceof LayeredMap)) return undefined;
    return this.#origin?.identity === before.#identity ? this.#origin.delta : undefined;
  }

  get(key: K): V | undefined {
    const value = this.#layer.get(key);
    return value !== undefined || this.#layer.has(key) ? value : this.#below.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): MapIterator<[K, V]> {
    for (const entry of this.#below) if (!this.#layer.has(entry[0])) yield entry;
    for (const [key, value] of this.#layer) if (value !== undefined) yield [key, value];
    return undefined;
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
    return undefined;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }
}
