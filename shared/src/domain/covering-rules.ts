/** What the rules that cover a request come to together. */
import type { CompiledRule, RuleLimits } from './compile-rule.ts';

/** What the allow rules that cover a request say of it beside yes. */
export interface RequestOptions {
  /** The least that one of them names. */
  readonly maxBodyBytes: number | undefined;
  /** Each of them holds. */
  readonly limits: readonly RuleLimits[];
}

const noOptions: RequestOptions = { maxBodyBytes: undefined, limits: [] };
const noRules: readonly CompiledRule[] = [];
const noSecrets: ReadonlySet<string> = new Set();

/** The first deny among those that cover a request, apart for policies that are enforced and that are not. */
export class FirstDenial {
  enforced: CompiledRule | undefined;
  monitored: CompiledRule | undefined;

  take(rule: CompiledRule): void {
    if (rule.isMonitored) this.monitored = earlier(this.monitored, rule);
    else this.enforced = earlier(this.enforced, rule);
  }
}

function earlier(known: CompiledRule | undefined, rule: CompiledRule): CompiledRule {
  return known && known.order <= rule.order ? known : rule;
}

/** What the rules that cover one method and reading allow together. */
export class Allowance {
  first: CompiledRule | undefined;
  secrets: ReadonlySet<string> = noSecrets;
  options: RequestOptions = noOptions;
  #asking: CompiledRule[] | undefined;
  #lifted: Set<string> | undefined;

  take(rule: CompiledRule): void {
    if (rule.lifts !== undefined) return void (this.#lifted ??= new Set()).add(rule.lifts);
    if (rule.asks !== undefined) (this.#asking ??= []).push(rule);
    this.first = earlier(this.first, rule);
    if (this.secrets.size === 0) this.secrets = rule.secrets;
    else if (rule.secrets.size > 0 && rule.secrets !== this.secrets)
      this.secrets = new Set([...this.secrets, ...rule.secrets]);
    if (rule.limits || rule.maxBodyBytes !== undefined)
      this.options = joinOptions(this.options, rule.limits ? [rule.limits] : [], rule.maxBodyBytes);
  }

  /** Rules that ask for an approval which nobody gave. */
  get unapproved(): readonly CompiledRule[] {
    if (this.#asking === undefined) return noRules;
    return this.#asking.filter(({ asks }) => asks !== undefined && this.#lifted?.has(asks) !== true);
  }

  /** What this one and another allow at once: the secrets of both, the limits of each. */
  and(other: Allowance): Allowance {
    const both = new Allowance();
    both.first = this.first;
    both.secrets = new Set([...this.secrets].filter((name) => other.secrets.has(name)));
    both.options = joinOptions(this.options, other.options.limits, other.options.maxBodyBytes);
    return both;
  }
}

function joinOptions(
  options: RequestOptions,
  limits: readonly RuleLimits[],
  maxBodyBytes: number | undefined,
): RequestOptions {
  return {
    limits: [...new Set([...options.limits, ...limits])],
    maxBodyBytes: least(options.maxBodyBytes, maxBodyBytes),
  };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
