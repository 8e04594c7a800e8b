import { createHash } from 'node:crypto';
import { type AgentSelector, selectorOf } from '@onecli/shared/domain/agent-selector';
import type { PolicyBody, PolicyMode, RateLimit, Rule } from '@onecli/shared/domain/policy';
import type { TimeWindow } from '@onecli/shared/domain/time-window';
import type { PolicyContent } from './policy-input.ts';

/** The two forms of a policy: as a person writes it, and as it is stored and evaluated. */

export interface DenyDocument {
  readonly hosts: readonly string[];
  readonly paths?: readonly string[];
  readonly methods?: readonly string[];
  readonly windows?: readonly TimeWindow[];
}

export interface AllowDocument extends DenyDocument {
  readonly secrets?: readonly string[];
  readonly rateLimit?: RateLimit;
  readonly maxConcurrent?: number;
  readonly maxBodyBytes?: number;
  readonly tunnel?: true;
  readonly http2?: true;
  readonly plainHttp?: true;
  readonly approval?: true;
}

export type RuleDocument = { readonly allow: AllowDocument } | { readonly deny: DenyDocument };

export interface PolicyDocument {
  readonly agents: readonly (string | { readonly labels: Readonly<Record<string, string>> })[];
  readonly mode: PolicyMode;
  readonly rules: readonly RuleDocument[];
}

/** The stored form of what a document says of agents. */
export function selectorFrom(agent: PolicyDocument['agents'][number]): AgentSelector {
  return typeof agent === 'string' ? selectorOf(agent) : { kind: 'labels', labels: agent.labels };
}

/** The stored form of a valid document. What says nothing is left out, so that it is the form of older bodies too. */
export function bodyOf(content: PolicyContent): PolicyBody {
  return {
    agents: content.agents.map(selectorFrom),
    ...(content.mode === 'monitor' && { mode: 'monitor' }),
    rules: content.rules.map(ruleOf),
  };
}

function ruleOf({ allow, deny }: PolicyContent['rules'][number]): Rule {
  const scope = allow ?? deny;
  const rule: Rule = {
    effect: allow === undefined ? 'deny' : 'allow',
    hosts: scope?.hosts ?? [],
    paths: [...new Set(scope?.paths ?? [])],
    methods: [...new Set(scope?.methods ?? [])],
    secrets: allow?.secrets ?? [],
    ...(scope?.windows && scope.windows.length > 0 && { windows: scope.windows }),
    ...(allow && termsOf(allow)),
  };
  return allow?.approval ? { ...rule, approval: { key: keyOf(rule) } } : rule;
}

/** The same for the same rule, in whichever place: who has approved one goes on doing so while others change beside it. */
function keyOf(rule: Rule): string {
  return createHash('sha256').update(JSON.stringify(rule)).digest('base64url').slice(0, 22);
}

type Terms = Pick<Rule, 'rateLimit' | 'maxConcurrent' | 'maxBodyBytes' | 'tunnel' | 'http2' | 'plainHttp'>;

interface TermsInput {
  readonly rateLimit?: RateLimit | undefined;
  readonly maxConcurrent?: number | undefined;
  readonly maxBodyBytes?: number | undefined;
  readonly tunnel?: boolean | undefined;
  readonly http2?: boolean | undefined;
  readonly plainHttp?: boolean | undefined;
}

/** What an allow says beside what it covers and grants; what says nothing is left out. */
function termsOf({ rateLimit, maxConcurrent, maxBodyBytes, tunnel, http2, plainHttp }: TermsInput): Terms {
  return {
    ...(rateLimit && { rateLimit }),
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(tunnel && { tunnel: true }),
    ...(http2 && { http2: true }),
    ...(plainHttp && { plainHttp: true }),
  };
}

/** The document of a stored body; lists that are empty are left out. */
export function documentOf(body: PolicyBody): PolicyDocument {
  return { agents: body.agents.map(selectorText), mode: body.mode ?? 'enforce', rules: body.rules.map(ruleDocument) };
}

function selectorText(agent: AgentSelector): PolicyDocument['agents'][number] {
  switch (agent.kind) {
    case 'name':
      return agent.name;
    case 'glob':
      return agent.glob;
    case 'labels':
      return { labels: agent.labels };
  }
}

function ruleDocument(rule: Rule): RuleDocument {
  const scope = scopeOf(rule);
  if (rule.effect === 'deny') return { deny: scope };
  const secrets = rule.secrets.length > 0 && { secrets: rule.secrets };
  return { allow: { ...scope, ...secrets, ...termsOf(rule), ...(rule.approval && { approval: true }) } };
}

function scopeOf({ hosts, paths, methods, windows }: Rule): DenyDocument {
  return {
    hosts,
    ...(paths.length > 0 && { paths }),
    ...(methods.length > 0 && { methods }),
    ...(windows && { windows }),
  };
}

/** A policy as admin events tell it. Its paths lie sealed wherever they are kept. */
export function recordedPolicy(body: PolicyBody, fingerprintOf: (part: unknown) => string): object {
  const { rules, ...others } = documentOf(body);
  return {
    ...others,
    rules: rules.map((rule) => ('allow' in rule ? { allow: told(rule.allow) } : { deny: told(rule.deny) })),
  };

  function told({ paths, ...scope }: DenyDocument): object {
    return { ...scope, ...(paths && { paths: fingerprintOf(paths) }) };
  }
}
