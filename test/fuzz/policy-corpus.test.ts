import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAuthority } from '@onecli/shared/wire/parse-authority';
import { parseAbsoluteTarget, parseTarget } from '@onecli/shared/wire/parse-target';
import { selectorOf, selectorPicks } from '../../shared/src/domain/agent-selector.ts';
import { CompiledPolicy, type Denial, decide, mayReachHost } from '../../shared/src/domain/evaluate-policy.ts';
import type { Policy, PolicyMode, Rule } from '../../shared/src/domain/policy.ts';

type RuleBody = Partial<Omit<Rule, 'effect'>>;
type RuleText = { readonly allow: RuleBody } | { readonly deny: RuleBody };

interface PolicyText {
  readonly name: string;
  readonly mode?: PolicyMode;
  /** Names, globs, or labels. Absent: the agent that asks. */
  readonly agents?: readonly (string | { readonly labels: Record<string, string> })[];
  readonly rules: readonly RuleText[];
}

/** What a person reads: policies, a request, and what comes of it. */
interface PolicyCase {
  readonly name: string;
  /** The rules of the one policy, `p`; or several policies. */
  readonly rules?: readonly RuleText[];
  readonly policies?: readonly PolicyText[];
  readonly agent?: { readonly name: string; readonly labels?: Record<string, string> };
  /** When it is asked. */
  readonly at?: string;
  /** `METHOD absolute-URL`, or `CONNECT host:port`. */
  readonly request: string;
  /** Other methods that the request may be taken for. */
  readonly overrides?: readonly string[];
  readonly expect: Outcome;
}

/** A rule stands as `policy/rules/index`; a denial by silence as NO_RULE. */
interface Outcome {
  readonly allow?: string | null;
  readonly secrets?: readonly string[];
  readonly deny?: string;
  readonly refused?: string;
  readonly monitored?: string;
  readonly maxBodyBytes?: number;
  /** Rules whose rate or concurrent limits hold. */
  readonly limits?: readonly string[];
  readonly options?: readonly string[];
}

const folder = new URL('../corpus/policy/', import.meta.url);

function toRule(text: RuleText): Rule {
  const empty = { hosts: [], paths: [], methods: [], secrets: [] };
  return 'allow' in text ? { effect: 'allow', ...empty, ...text.allow } : { effect: 'deny', ...empty, ...text.deny };
}

function policiesOf({ rules = [], policies = [{ name: 'p', rules }], agent = { name: 'bot' } }: PolicyCase): Policy[] {
  const asking = { name: agent.name, labels: agent.labels ?? {} };
  return policies
    .map(({ name, mode, agents, rules: texts }): Policy => {
      const selectors = (agents ?? [agent.name]).map((selector) =>
        typeof selector === 'string' ? selectorOf(selector) : { kind: 'labels' as const, labels: selector.labels },
      );
      return { id: name, name, agents: selectors, rules: texts.map(toRule), ...(mode && { mode }) };
    })
    .filter((policy) => policy.agents.some((selector) => selectorPicks(selector, asking)));
}

const nameOf = ({ rule, reason }: Denial): string =>
  reason === 'APPROVAL_REQUIRED' ? `${rule} asks` : (rule ?? reason);

function outcomeOf(one: PolicyCase): Outcome {
  const [method = '', url = ''] = one.request.split(' ');
  const compiled = new CompiledPolicy(policiesOf(one));
  const nowMs = one.at === undefined ? 0 : Date.parse(one.at);
  if (method === 'CONNECT') return reachOf(compiled, url, nowMs);
  const absolute = parseAbsoluteTarget(url);
  if (absolute.kind === 'fault') return { refused: absolute.code };
  const target = parseTarget(absolute.origin);
  if (target.kind === 'fault') return { refused: target.code };
  const rules = compiled.rulesFor(absolute.authority.host, absolute.authority.port);
  const decision = decide(rules, [method, ...(one.overrides ?? [])], target.readings, nowMs);
  if (decision.kind === 'deny') return { deny: nameOf(decision) };
  const { maxBodyBytes, limits } = decision.options;
  return {
    allow: decision.rule ?? null,
    secrets: [...decision.secrets].sort(),
    ...(decision.monitored && { monitored: nameOf(decision.monitored) }),
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(limits.length > 0 && { limits: limits.map(({ rule }) => rule) }),
  };
}

function reachOf(compiled: CompiledPolicy, target: string, nowMs: number): Outcome {
  const authority = parseAuthority(target);
  if (authority.kind === 'fault') return { refused: authority.code };
  const decision = mayReachHost(compiled.rulesFor(authority.host, authority.port), nowMs);
  if (decision.kind === 'deny') return { deny: nameOf(decision) };
  const { tunnel, http2, plainHttp } = decision.options;
  const options = [tunnel && `tunnel by ${tunnel.rule}`, http2 && 'http2', plainHttp && 'plainHttp'];
  return {
    allow: decision.rule ?? null,
    options: options.filter((option) => typeof option === 'string'),
    ...(decision.monitored && { monitored: nameOf(decision.monitored) }),
    ...(tunnel && tunnel.limits.length > 0 && { limits: tunnel.limits.map(({ rule }) => rule) }),
  };
}

for (const file of readdirSync(folder)) {
  describe(`corpus policy/${file}`, () => {
    const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as PolicyCase[];
    it.each(cases)('$name', (one) => {
      expect(outcomeOf(one)).toEqual(one.expect);
    });
  });
}
