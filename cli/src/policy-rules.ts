import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { describeTerms } from './rule-terms.ts';

const patterns = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

/** What a rule covers. Empty `paths` or `methods` means all of them. */
const matchSchema = z.looseObject({ hosts: patterns, paths: patterns, methods: patterns, secrets: patterns });

/** A rule as the API gives it; fields that this version does not know are kept as they are. */
export const ruleSchema = z.looseObject({ allow: matchSchema.nullish(), deny: matchSchema.nullish() });
export type PolicyRule = z.infer<typeof ruleSchema>;

export interface RuleMatch {
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly secrets: readonly string[];
}

/** A rule as the API takes it: empty lists are left out. */
export type RuleInput = Readonly<Record<string, unknown>>;

/** What a rule says beside what it covers: time windows and the like, in the form of the API. */
export type RuleTerms = Readonly<Record<string, unknown>>;

export interface NewRule {
  readonly effect: 'allow' | 'deny';
  readonly match: RuleMatch;
  readonly terms: RuleTerms;
}

const dimensions = ['paths', 'methods', 'secrets'] as const;

/**
 * Adds a rule to those of a policy. A rule of the same effect for the same hosts that differs in one of paths, methods and
 * secrets takes the new one in, so that repeated calls do not pile rules up; one that differs in more stays apart, because
 * joining them would allow combinations that nobody asked for. A rule with terms of its own stays apart always: joined, the
 * terms would be lost or spread. Gives the rules to send, and whether anything changed.
 */
export function addRule(
  existing: readonly PolicyRule[],
  added: NewRule,
): { readonly rules: readonly RuleInput[]; readonly isChanged: boolean } {
  const rules = existing.map(ruleInput);
  const input = { [added.effect]: withoutEmpty({ ...added.match, ...added.terms }) };
  if (Object.keys(added.terms).length > 0) {
    const isThere = rules.some((rule) => isDeepStrictEqual(rule, input));
    return isThere ? { rules, isChanged: false } : { rules: [...rules, input], isChanged: true };
  }
  for (const [index, rule] of existing.entries()) {
    const match = mergeableMatch(rule, added.effect);
    const merged = match === undefined ? undefined : mergeMatches(match, added.match);
    if (match === undefined || merged === undefined) continue;
    const next = { [added.effect]: withoutEmpty({ ...match, ...merged }) };
    const isChanged = JSON.stringify(next) !== JSON.stringify(rules[index]);
    return { rules: rules.with(index, next), isChanged };
  }
  return { rules: [...rules, input], isChanged: true };
}

/** The rule as the API takes it. */
export function ruleInput(rule: PolicyRule): RuleInput {
  const input: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rule)) {
    if (value === null || value === undefined) continue;
    input[key] = key === 'allow' || key === 'deny' ? withoutEmpty(value as Record<string, unknown>) : value;
  }
  return input;
}

/** The rules without the grants of secrets that `isThere` does not know, and the names of those. */
export function withoutDeleted(
  rules: readonly PolicyRule[],
  isThere: (secret: string) => boolean,
): { readonly rules: readonly PolicyRule[]; readonly deleted: readonly string[] } {
  const kept = rules.map((rule) =>
    rule.allow ? { ...rule, allow: { ...rule.allow, secrets: rule.allow.secrets.filter(isThere) } } : rule,
  );
  return { rules: kept, deleted: grantedSecrets(rules).filter((name) => !isThere(name)) };
}

/** The secrets that the allow rules among `rules` grant, each once. */
export function grantedSecrets(rules: readonly PolicyRule[]): string[] {
  return [...new Set(rules.flatMap((rule) => rule.allow?.secrets ?? []))];
}

/** The text at a place such as `rules[1].allow.hosts[0]`, or undefined where there is none. */
export function valueAt(body: unknown, place: string): string | undefined {
  let found: unknown = body;
  for (const key of place.match(/[^.[\]]+/g) ?? []) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return typeof found === 'string' ? found : undefined;
}

/** A rule in one line: `allow api.openai.com GET /v1/** with prod/openai`. */
export function describeRule(rule: PolicyRule): string {
  const effect = rule.deny === null || rule.deny === undefined ? 'allow' : 'deny';
  const match = rule[effect];
  if (match === null || match === undefined) return 'an empty rule';
  const parts = [effect, match.hosts.join(', '), match.methods.join(','), match.paths.join(' ')];
  if (match.secrets.length > 0) parts.push(`with ${match.secrets.join(', ')}`);
  parts.push(...describeTerms(match));
  return parts.filter((part) => part !== '').join(' ');
}

function mergeableMatch(rule: PolicyRule, effect: 'allow' | 'deny'): RuleMatch | undefined {
  const match = rule[effect];
  const isPlain = Object.entries(rule).every(([key, value]) => key === effect || value === null || value === undefined);
  const isKnown = Object.keys(match ?? {}).every((key) => key === 'hosts' || dimensions.some((name) => name === key));
  return match !== null && match !== undefined && isPlain && isKnown ? match : undefined;
}

function mergeMatches(old: RuleMatch, added: RuleMatch): RuleMatch | undefined {
  if (!isSameSet(old.hosts, added.hosts)) return undefined;
  const differing = dimensions.filter((name) => !isSameSet(old[name], added[name]));
  const only = differing[0];
  if (only === undefined) return old;
  if (differing.length > 1) return undefined;
  // Empty paths or methods mean "all": the union with anything is still all.
  const isAll = only !== 'secrets' && (old[only].length === 0 || added[only].length === 0);
  return { ...old, [only]: isAll ? [] : [...new Set([...old[only], ...added[only]])] };
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).size === new Set(b).size && a.every((item) => b.includes(item));
}

function withoutEmpty(match: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(match).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  );
}
