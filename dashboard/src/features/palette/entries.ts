import { type ScreenLink, groups, isOfUse } from '../../app/feature.ts';
import type { FindNamesQuery } from '../../gql/graphql.ts';

/** Something that one can go to. */
export interface PaletteEntry {
  readonly to: string;
  readonly label: string;
  /** What it is: a screen's group, an action, a noun. */
  readonly hint: string;
}

interface ActionEntry extends PaletteEntry {
  readonly takes: string;
}

const actions: readonly ActionEntry[] = [
  { to: '/new/agent', label: 'New agent', hint: 'Action', takes: 'agent:create' },
  { to: '/new/secret', label: 'New secret', hint: 'Action', takes: 'secret:create' },
  { to: '/new/policy', label: 'New policy', hint: 'Action', takes: 'policy:create' },
  { to: '/new/route', label: 'New route', hint: 'Action', takes: 'route:create' },
  { to: '/activity?decision=DENY', label: 'Denied requests', hint: 'Activity', takes: 'audit:read' },
  { to: '/activity?failed=true', label: 'Requests that failed upstream', hint: 'Activity', takes: 'audit:read' },
];

/** The screens and actions of which some word begins with what is typed. */
export function knownEntries(
  text: string,
  links: readonly ScreenLink[],
  may: (action: string) => boolean,
): PaletteEntry[] {
  const screens = links
    .filter((link) => isOfUse(link, may))
    .map(({ path, name, group }) => ({ to: path, label: name, hint: groups[group] || 'Screen' }));
  const doable = actions.filter(({ takes }) => may(takes)).map(({ to, label, hint }) => ({ to, label, hint }));
  return [...screens, ...doable].filter(({ label }) => isMeant(label, text));
}

/** What was found by name. */
export function namedEntries({ agents, secrets, policies }: Partial<FindNamesQuery>): PaletteEntry[] {
  const entries = (path: string, hint: string, found: { nodes: readonly { name: string }[] } | undefined | null) =>
    (found?.nodes ?? []).map(({ name }) => ({ to: `/${path}/${encodeURIComponent(name)}`, label: name, hint }));
  return [
    ...entries('agents', 'Agent', agents),
    ...entries('secrets', 'Secret', secrets),
    ...entries('policies', 'Policy', policies),
  ];
}

function isMeant(label: string, text: string): boolean {
  const words = label.toLowerCase().split(' ');
  return text
    .toLowerCase()
    .split(' ')
    .every((part) => words.some((word) => word.startsWith(part)));
}
