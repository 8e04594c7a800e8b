import { ruleText, selectorsText } from './rule-text.ts';

type Part = Readonly<Record<string, unknown>>;

/** One thing of a policy that is not as it was, in words. Undefined: it was, or will be, not there. */
export interface PolicyDifference {
  readonly what: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What differs between two documents of a policy, in the order in which they have it. */
export function policyDifferences(before: Part, after: Part): PolicyDifference[] {
  const [mode, agents] = [fieldDifference('Mode', before, after, modeText), whom(before, after)];
  return [...mode, ...agents, ...ruleDifferences(listOf(before['rules']), listOf(after['rules']))];
}

function fieldDifference(what: string, before: Part, after: Part, textOf: (policy: Part) => string) {
  const [was, is] = [textOf(before), textOf(after)];
  return was === is ? [] : [{ what, before: was, after: is }];
}

function whom(before: Part, after: Part): PolicyDifference[] {
  // A new one selected nobody before: that is nothing that goes.
  if (before['agents'] === undefined && after['agents'] !== undefined)
    return [{ what: 'Agents', before: undefined, after: selectorsText(after['agents']) }];
  return fieldDifference('Agents', before, after, ({ agents }) => selectorsText(agents));
}

function modeText({ mode }: Part): string {
  return mode === 'monitor' ? 'Monitor' : 'Enforce';
}

/** Rules that stay are found in their order; between them, those that went stand beside those that came. */
function ruleDifferences(before: readonly unknown[], after: readonly unknown[]): PolicyDifference[] {
  const found: PolicyDifference[] = [];
  let [was, is] = [0, 0];
  for (const [stayedAt, staysAt] of [...kept(before.map(key), after.map(key)), [before.length, after.length]]) {
    for (; was < (stayedAt ?? 0) || is < (staysAt ?? 0); was++, is++) {
      const old = was < (stayedAt ?? 0) ? ruleText(before[was]) : undefined;
      const next = is < (staysAt ?? 0) ? ruleText(after[is]) : undefined;
      found.push({ what: ruleWhat(was, is, old, next), before: old, after: next });
    }
    [was, is] = [(stayedAt ?? 0) + 1, (staysAt ?? 0) + 1];
  }
  return found;
}

function ruleWhat(was: number, is: number, old: string | undefined, next: string | undefined): string {
  if (old === undefined) return `Rule ${is + 1}, new`;
  return next === undefined ? `Rule ${was + 1}, gone` : `Rule ${is + 1}`;
}

/** Pairs of places of a longest common part of two lists. */
function kept(before: readonly string[], after: readonly string[]): [number, number][] {
  const longest = Array.from({ length: before.length + 1 }, () => Array.from({ length: after.length + 1 }, () => 0));
  const at = (row: number, column: number) => longest[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--)
    for (let column = after.length - 1; column >= 0; column--) {
      const isSame = before[row] === after[column];
      const best = isSame ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      longest[row]?.splice(column, 1, best);
    }
  const pairs: [number, number][] = [];
  for (let [row, column] = [0, 0]; row < before.length && column < after.length; ) {
    if (before[row] === after[column]) pairs.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return pairs;
}

function key(rule: unknown): string {
  return JSON.stringify(rule, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
