import type { PolicyBody, Rule } from '@onecli/shared/domain/policy';
import type { PolicyContent } from './policy-input.ts';

/** The two forms of a policy: as a person writes it, and as it is stored and evaluated. */

export interface RuleScope {
  readonly hosts: readonly string[];
  readonly paths?: readonly string[];
  readonly methods?: readonly string[];
}

export type RuleDocument =
  | { readonly allow: RuleScope & { readonly secrets?: readonly string[] } }
  | { readonly deny: RuleScope };

export interface PolicyDocument {
  readonly agents: readonly (string | { readonly labels: Readonly<Record<string, string>> })[];
  readonly rules: readonly RuleDocument[];
}

/** The stored form of a valid document. */
export function bodyOf(content: PolicyContent): PolicyBody {
  return {
    agents: content.agents.map((agent) =>
      typeof agent === 'string' ? { kind: 'name', name: agent } : { kind: 'labels', labels: agent.labels },
    ),
    rules: content.rules.map(({ allow, deny }) => {
      const scope = allow ?? deny;
      return {
        effect: allow === undefined ? 'deny' : 'allow',
        hosts: scope?.hosts ?? [],
        paths: [...new Set(scope?.paths ?? [])],
        methods: [...new Set(scope?.methods ?? [])],
        secrets: allow?.secrets ?? [],
      };
    }),
  };
}

/** The document of a stored body; lists that are empty are left out. */
export function documentOf(body: PolicyBody): PolicyDocument {
  return {
    agents: body.agents.map((agent) => (agent.kind === 'name' ? agent.name : { labels: agent.labels })),
    rules: body.rules.map((rule) => {
      const scope = scopeOf(rule);
      if (rule.effect === 'deny') return { deny: scope };
      return { allow: rule.secrets.length === 0 ? scope : { ...scope, secrets: rule.secrets } };
    }),
  };
}

function scopeOf({ hosts, paths, methods }: Rule): RuleScope {
  return { hosts, ...(paths.length > 0 && { paths }), ...(methods.length > 0 && { methods }) };
}
