import type { PolicyRowFragment } from '../../gql/graphql.ts';

/** A policy as a file has it (docs/as-code.md): what is at its default is left out. */
export function policyDocument({ name, mode, agents, rules }: PolicyRowFragment): Record<string, unknown> {
  return {
    name,
    ...(mode === 'MONITOR' && { mode: 'monitor' }),
    agents: agents.map((selector) =>
      selector.labels === null
        ? selector.name
        : { labels: Object.fromEntries(selector.labels.map(({ key, value }) => [key, value])) },
    ),
    rules: rules.map(ruleDocument),
  };
}

type Rule = PolicyRowFragment['rules'][number];

/** A rule as a file has it. */
export function ruleDocument({ allow, deny }: Rule): Record<string, unknown> {
  return allow === null ? { deny: said(deny ?? {}) } : { allow: said(allow) };
}

function said(part: object): Record<string, unknown> {
  const entries = Object.entries(part).flatMap(([key, value]): [string, unknown][] => {
    if (key === '__typename' || value === null || value === false) return [];
    if (Array.isArray(value)) return value.length === 0 ? [] : [[key, value.map(inner)]];
    return [[key, inner(value)]];
  });
  return Object.fromEntries(entries);
}

function inner(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { days, by, ...rest } = said(value) as { days?: string[]; by?: string };
  return {
    ...rest,
    ...(by !== undefined && by !== 'AGENT' && { by: by.toLowerCase() }),
    ...(days !== undefined && { days: days.map((day) => day.toLowerCase()) }),
  };
}
