import { printable, type Terminal } from '../terminal.ts';
import { leafChanges } from './leaf-changes.ts';
import type { ChangeAnswer, PlanAnswer } from './plan-answer.ts';

type Paint = Terminal['paint'];

const signs = { CREATE: '+', UPDATE: '~', DELETE: '-', UNKNOWN: '?', NONE: ' ' } as const;
const colours = { CREATE: 'green', UPDATE: 'yellow', DELETE: 'red', UNKNOWN: 'red', NONE: 'dim' } as const;

/** What somebody asks of a plan: what apply would do, or how the gateway differs from the files. */
export type View = 'plan' | 'drift';

/** The lines of a plan: each change with its fields, then the sum. What stays as it is is only counted. */
export function renderPlan({ changes }: Pick<PlanAnswer, 'changes'>, view: View, paint: Paint): string[] {
  const shown = changes.filter(({ action }) => action !== 'NONE');
  return [...shown.flatMap((change) => renderChange(change, view, paint)), summaryOf(changes, view)];
}

function renderChange(change: ChangeAnswer, view: View, paint: Paint): string[] {
  const { kind, name, action, fields, makesToken, refused } = change;
  const head = paint(colours[action], `${signs[action]} ${kind} ${printable(name)}`);
  const said = view === 'drift' ? ` ${driftOf[action]}` : '';
  return [
    `${head}${said}`,
    ...fields.flatMap(({ field, before, after }) => renderField(field, before, after, action)),
    ...(makesToken && view === 'plan' ? ['    token: a new one, told once'] : []),
    ...(refused ? [`    ${paint('red', `refused: ${printable(refused.message)}`)}`] : []),
  ];
}

const driftOf = {
  CREATE: '(not on the gateway)',
  UPDATE: '(differs)',
  DELETE: '(not in the files)',
  UNKNOWN: '(may not be read)',
  NONE: '',
} as const;

function renderField(field: string, before: unknown, after: unknown, action: ChangeAnswer['action']): string[] {
  if (field === 'value') return [`    value: ${printable(String(after))}`];
  if (action === 'DELETE') return [];
  if (action === 'CREATE') return [`    ${field}: ${show(after)}`];
  return leafChanges(field, before ?? undefined, after ?? undefined).map(
    (leaf) => `    ${printable(leaf.path)}: ${show(leaf.before)} → ${show(leaf.after)}`,
  );
}

function show(value: unknown): string {
  return value === undefined || value === null ? '(none)' : printable(JSON.stringify(value));
}

/** As `2 to create, 1 to change, 14 as they are`. */
export function summaryOf(changes: readonly ChangeAnswer[], view: View): string {
  const count = (action: ChangeAnswer['action']) => changes.filter((change) => change.action === action).length;
  const parts = [
    [count('CREATE'), view === 'plan' ? 'to create' : 'not on the gateway'],
    [count('UPDATE'), view === 'plan' ? 'to change' : 'different'],
    [count('DELETE'), view === 'plan' ? 'to delete' : 'not in the files'],
    [count('UNKNOWN'), 'not readable'],
    [count('NONE'), 'as they are'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, text]) => `${number} ${text}`);
  if (said.length === 0) return 'nothing is named';
  const isNothing = changes.every(({ action }) => action === 'NONE');
  return isNothing ? `nothing to do: ${said.join(', ')}` : said.join(', ');
}
