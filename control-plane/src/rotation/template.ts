/**
 * Texts of requests with places to fill in: `onecli://environment/name` as an agent would write it, which needs that secret's
 * binding to let it go there, and `{{new}}`, `{{old}}`, `{{newKeyId}}`, `{{oldKeyId}}`, `{{runId}}`, `{{secret}}`.
 */
import { findPlaceholders } from '@onecli/shared/domain/placeholder';
import type { Spot } from './json-places.ts';

/** What may stand in double braces. The first two are values, bound as the rotated secret is. */
export const variables = ['new', 'old', 'newKeyId', 'oldKeyId', 'runId', 'secret'] as const;
/** What the provider calls the keys. */
export const keyIds = ['newKeyId', 'oldKeyId'] as const satisfies readonly Variable[];
export type Variable = (typeof variables)[number];

const variable = /\{\{([^{}]*)\}\}/g;

/** What is wrong with a template, or undefined. */
export function templateFault(template: string): string | undefined {
  for (const [, name = ''] of template.matchAll(variable))
    if (!(variables as readonly string[]).includes(name))
      return `has an unknown \`{{…}}\`: there are ${variables.map((known) => `{{${known}}}`).join(', ')}`;
  for (const { name, aliasId } of findPlaceholders(template)) {
    if (aliasId !== undefined) return 'must name secrets as onecli://environment/name, not by an alias';
    if (name === undefined) return 'has a placeholder that names no secret';
  }
  return undefined;
}

/** The secrets that a template has placeholders of, each with its pinned version and where it stands. */
export function secretsIn(
  template: string,
): readonly (Spot & { readonly name: string; readonly version: number | undefined })[] {
  return findPlaceholders(template).flatMap(({ name, version, start, end }) =>
    name === undefined ? [] : [{ name, version, start, end }],
  );
}

/** Where a template uses some variables. */
export function variablesIn(template: string, names: readonly Variable[]): readonly Spot[] {
  return [...template.matchAll(variable)]
    .filter(([, name]) => (names as readonly string[]).includes(name ?? ''))
    .map(({ 0: whole, index }) => ({ start: index, end: index + whole.length }));
}

/** Fills a template in one pass: what is put in is never read as a template itself. */
export function fillTemplate(
  template: string,
  fill: {
    readonly secret: (name: string, version: number | undefined) => string;
    readonly variable: (name: Variable) => string;
  },
): string {
  const spots = [
    ...findPlaceholders(template).map(({ name = '', version, start, end }) => ({
      start,
      end,
      value: () => fill.secret(name, version),
    })),
    ...[...template.matchAll(variable)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      value: () => fill.variable(match[1] as Variable),
    })),
  ].sort((one, other) => one.start - other.start);
  let filled = '';
  let from = 0;
  for (const { start, end, value } of spots) {
    if (start < from) continue;
    filled += template.slice(from, start) + value();
    from = end;
  }
  return filled + template.slice(from);
}
