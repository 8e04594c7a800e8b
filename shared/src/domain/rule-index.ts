import { type CompiledRule, isInForce } from './compile-rule.ts';
import type { PathPattern } from './path-pattern.ts';

/**
 * The rules of one effect for one host pattern and port, found by path: exact paths by themselves, patterns by the text
 * ahead of their first wildcard. What is looked at for a request does not grow with the number of rules that do not
 * cover it.
 */
export class RuleIndex {
  /** How narrow the host pattern is: any exact name before any wildcard, a longer wildcard before a shorter one. */
  readonly narrowness: number;
  readonly #everyPath = new RuleGroup();
  readonly #exact = new Map<string, RuleGroup>();
  readonly #byLiteral = new Map<string, PatternGroup[]>();
  /** Lengths of the texts in `#byLiteral`, shortest first. */
  readonly #lengths: number[] = [];
  readonly #rules: CompiledRule[] = [];
  /** Rules that say something of the host as a whole. */
  readonly #ofHost: CompiledRule[] = [];
  #grants = false;
  #hasWindows = false;
  #asks = false;

  constructor(narrowness: number) {
    this.narrowness = narrowness;
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Does one of the rules name a secret, at whatever time? */
  get grants(): boolean {
    return this.#grants;
  }

  /** Does one of the rules hold at certain times only? */
  get hasWindows(): boolean {
    return this.#hasWindows;
  }

  /** Does one of the rules ask for an approval, at whatever time, in a policy that is kept to? */
  get asks(): boolean {
    return this.#asks;
  }

  /** Rules that carry an option for the host, whether in force or not. */
  get ofHost(): readonly CompiledRule[] {
    return this.#ofHost;
  }

  add(rule: CompiledRule): void {
    this.#rules.push(rule);
    if (rule.isTunnel || rule.hasHttp2 || rule.hasPlainHttp) this.#ofHost.push(rule);
    if (rule.secrets.size > 0) this.#grants = true;
    if (rule.windows.length > 0) this.#hasWindows = true;
    if (rule.asks !== undefined && !rule.isMonitored) this.#asks = true;
    if (rule.paths.length === 0) this.#everyPath.add(rule);
    for (const pattern of rule.paths) {
      if (pattern.isExact) groupAt(this.#exact, pattern.literal).add(rule);
      else this.#addPattern(pattern, rule);
    }
  }

  /** A rule that is in force now, whatever it covers; undefined when there is none. */
  anyInForce(nowMs: number, isWanted: (rule: CompiledRule) => boolean): CompiledRule | undefined {
    return this.#rules.find((rule) => isWanted(rule) && isInForce(rule, nowMs));
  }

  /** Gives each rule for every path and every method that is in force. */
  eachTotal(nowMs: number, take: (rule: CompiledRule) => void): void {
    for (const rule of this.#everyPath.rules) if (rule.methods.size === 0 && isInForce(rule, nowMs)) take(rule);
  }

  /** Gives each rule that covers a path in comparable form and a method and is in force; one may be given twice. */
  eachCovering(path: string, method: string, nowMs: number, take: (rule: CompiledRule) => void): void {
    takeCovering(this.#everyPath, method, nowMs, take);
    const exact = this.#exact.get(path);
    if (exact) takeCovering(exact, method, nowMs, take);
    for (const length of this.#lengths) {
      if (length > path.length) return;
      for (const { pattern, group } of this.#byLiteral.get(path.slice(0, length)) ?? [])
        if (pattern.coversComparable(path)) takeCovering(group, method, nowMs, take);
    }
  }

  #addPattern(pattern: PathPattern, rule: CompiledRule): void {
    const { literal } = pattern;
    const known = this.#byLiteral.get(literal);
    const same = known?.find((other) => other.pattern.text === pattern.text);
    if (same) return same.group.add(rule);
    const group = new RuleGroup();
    group.add(rule);
    if (known) known.push({ pattern, group });
    else this.#byLiteral.set(literal, [{ pattern, group }]);
    if (!this.#lengths.includes(literal.length)) {
      this.#lengths.push(literal.length);
      this.#lengths.sort((one, other) => one - other);
    }
  }
}

interface PatternGroup {
  readonly pattern: PathPattern;
  readonly group: RuleGroup;
}

/** Rules for the same paths. Those that differ in nothing but the secrets which they grant are one. */
class RuleGroup {
  readonly rules: CompiledRule[] = [];
  readonly #plain = new Map<string, Set<string>>();

  add(rule: CompiledRule): void {
    const isPlain =
      rule.windows.length === 0 &&
      rule.limits === undefined &&
      rule.maxBodyBytes === undefined &&
      rule.asks === undefined;
    if (!isPlain) {
      this.rules.push(rule);
      return;
    }
    const key = `${rule.isMonitored} ${[...rule.methods].sort().join(' ')}`;
    const joined = this.#plain.get(key);
    if (joined) {
      for (const name of rule.secrets) joined.add(name);
      return;
    }
    const secrets = new Set(rule.secrets);
    this.#plain.set(key, secrets);
    this.rules.push({ ...rule, secrets });
  }
}

function groupAt(groups: Map<string, RuleGroup>, path: string): RuleGroup {
  let group = groups.get(path);
  if (!group) groups.set(path, (group = new RuleGroup()));
  return group;
}

function takeCovering({ rules }: RuleGroup, method: string, nowMs: number, take: (rule: CompiledRule) => void): void {
  for (const rule of rules)
    if ((rule.methods.size === 0 || rule.methods.has(method)) && isInForce(rule, nowMs)) take(rule);
}
