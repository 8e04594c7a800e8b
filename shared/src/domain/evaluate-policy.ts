import { type HostPattern, hostPatternCovers, parseHostPattern } from './host-pattern.ts';
import { parsePathPattern } from './path-pattern.ts';
import type { Policy, Rule } from './policy.ts';

/** The result for one request. `rule` names the rule that made it, `policy/rules/index`. */
export type Decision =
  | { readonly kind: 'allow'; readonly rule: string; readonly secrets: ReadonlySet<string> }
  | { readonly kind: 'deny'; readonly rule: string | undefined; readonly reason: 'DENIED_BY_RULE' | 'NO_RULE' };

/** The rules of one agent for one host and port, ready to be asked for each request of a tunnel. */
export interface HostRules {
  readonly allow: readonly CompiledRule[];
  readonly deny: readonly CompiledRule[];
}

interface CompiledRule {
  readonly id: string;
  readonly hosts: readonly HostPattern[];
  readonly paths: readonly ((path: string) => boolean)[];
  readonly methods: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

const webPorts = [443, 80];
const noRule: Decision = { kind: 'deny', rule: undefined, reason: 'NO_RULE' };

/**
 * All rules that hold for one agent, indexed by host so that the number of rules for other hosts costs nothing.
 * Built once for an agent and a snapshot.
 */
export class CompiledPolicy {
  readonly #exact = new Map<string, IndexedRule[]>();
  readonly #below = new Map<string, IndexedRule[]>();
  /** Deny rules with a host pattern that cannot be read. */
  readonly #everywhere: IndexedRule[] = [];

  /** @param policies those whose selectors pick the agent. A pattern that does not parse covers nothing in an allow and all in a deny. */
  constructor(policies: readonly Policy[]) {
    for (const policy of policies) {
      policy.rules.forEach((rule, index) => this.#add(rule, `${policy.name}/rules/${index}`));
    }
  }

  /** The rules for a canonical host and port; ask once for a tunnel. */
  rulesFor(host: string, port: number): HostRules {
    const found = new Set<IndexedRule>(this.#exact.get(host) ?? []);
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      for (const indexed of this.#below.get(host.slice(dot)) ?? []) found.add(indexed);
    }
    const covering = [...found].filter(({ effect, rule }) =>
      rule.hosts.some((pattern) => coversPort(effect, pattern, host, port)),
    );
    covering.push(...this.#everywhere);
    const ofEffect = (effect: Rule['effect']) =>
      covering.filter((indexed) => indexed.effect === effect).map(({ rule }) => rule);
    return { allow: ofEffect('allow'), deny: ofEffect('deny') };
  }

  #add(rule: Rule, id: string): void {
    const isDeny = rule.effect === 'deny';
    const hosts = rule.hosts.flatMap((text) => {
      const parsed = parseHostPattern(text);
      return parsed.kind === 'pattern' ? [parsed.pattern] : [];
    });
    const paths = rule.paths.map((text) => {
      const parsed = parsePathPattern(text, { ignoreCase: isDeny });
      return parsed.kind === 'pattern' ? parsed.covers : () => isDeny;
    });
    const methods = new Set(isDeny ? rule.methods.map((method) => method.toUpperCase()) : rule.methods);
    const compiled: CompiledRule = { id, hosts, paths, methods, secrets: new Set(rule.secrets) };
    if (isDeny && hosts.length < rule.hosts.length) {
      this.#everywhere.push({ effect: 'deny', rule: compiled });
      return;
    }
    for (const pattern of hosts) {
      const index = pattern.kind === 'exact' ? this.#exact : this.#below;
      const indexed = { effect: rule.effect, rule: compiled };
      const rules = index.get(pattern.host);
      if (rules) rules.push(indexed);
      else index.set(pattern.host, [indexed]);
    }
  }
}

interface IndexedRule {
  readonly effect: Rule['effect'];
  readonly rule: CompiledRule;
}

/** May the agent talk to this host at all? Asked at CONNECT, before a certificate is minted. */
export function mayReachHost(rules: HostRules): Decision {
  const total = rules.deny.find((rule) => rule.paths.length === 0 && rule.methods.size === 0);
  if (total) return { kind: 'deny', rule: total.id, reason: 'DENIED_BY_RULE' };
  const [first] = rules.allow;
  return first ? { kind: 'allow', rule: first.id, secrets: first.secrets } : noRule;
}

/**
 * Decides one request. `readings` holds every way in which an upstream may read the path: it is denied when a deny
 * rule covers any of them, and allowed when each is covered by an allow rule; what is granted is what all readings grant.
 */
export function decide(rules: HostRules, method: string, readings: readonly string[]): Decision {
  for (const rule of rules.deny) {
    if (readings.some((path) => denies(rule, method, path)))
      return { kind: 'deny', rule: rule.id, reason: 'DENIED_BY_RULE' };
  }
  let decision: Decision = noRule;
  for (const [index, path] of readings.entries()) {
    const one = allowReading(rules.allow, method, path);
    if (one.kind === 'deny') return one;
    decision =
      index === 0 || decision.kind === 'deny'
        ? one
        : { ...decision, secrets: intersect(decision.secrets, one.secrets) };
  }
  return decision;
}

function allowReading(rules: readonly CompiledRule[], method: string, path: string): Decision {
  let first: CompiledRule | undefined;
  let secrets: Set<string> | undefined;
  for (const rule of rules) {
    if (!allows(rule, method, path)) continue;
    if (first === undefined) first = rule;
    else if (rule.secrets.size > 0) {
      secrets ??= new Set(first.secrets);
      for (const name of rule.secrets) secrets.add(name);
    }
  }
  return first ? { kind: 'allow', rule: first.id, secrets: secrets ?? first.secrets } : noRule;
}

function allows(rule: CompiledRule, method: string, path: string): boolean {
  return (
    (rule.methods.size === 0 || rule.methods.has(method)) &&
    (rule.paths.length === 0 || rule.paths.some((covers) => covers(path)))
  );
}

function denies(rule: CompiledRule, method: string, path: string): boolean {
  if (rule.methods.size > 0 && !rule.methods.has(method.toUpperCase())) return false;
  if (rule.paths.length === 0) return true;
  const withoutSlash = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return rule.paths.some((covers) => covers(path) || covers(withoutSlash));
}

/** An allow without a port covers the web's ports; a deny without a port covers them all. */
function coversPort(effect: Rule['effect'], pattern: HostPattern, host: string, port: number): boolean {
  return hostPatternCovers(pattern, host, port, effect === 'deny' ? [port] : webPorts);
}

function intersect(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...one].filter((name) => other.has(name)));
}
