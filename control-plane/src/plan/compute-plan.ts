import { isDeepStrictEqual } from 'node:util';
import {
  type ActualObject,
  type DesiredObject,
  type FieldChange,
  newValue,
  type ObjectKind,
  type PlanAction,
  type PlannedChange,
} from './planned-change.ts';

/** A change with what it starts from and goes to. */
export interface Step extends PlannedChange {
  readonly desired: DesiredObject | undefined;
  readonly actual: ActualObject | undefined;
  /** The object is this source's after the change. */
  readonly isClaimed: boolean;
}

/** What decides how a plan comes out, beside the objects. */
export interface PlanTerms {
  readonly managedBy: string | undefined;
  readonly prune: boolean;
  readonly adopt: boolean;
  /** Whether an object, a secret, has this value now. */
  readonly hasValue: (actual: ActualObject, value: string) => boolean;
  /** Why the principal may not do that with the object as it is or as it is to be; null when he may. */
  readonly refusal: (object: DesiredObject | ActualObject, verb: Verb) => PlannedChange['refused'];
}

export type Verb = 'read' | 'create' | 'update' | 'rotate' | 'delete';

/**
 * The steps from what is to what is wanted: those of the configuration in its order, then what this source made and the
 * configuration does not name any more, in the order in which it can go. Reads nothing and changes nothing.
 */
export function computePlan(
  desired: readonly DesiredObject[],
  actual: readonly ActualObject[],
  terms: PlanTerms,
): Step[] {
  const byKey = new Map(actual.map((object) => [keyOf(object), object]));
  const wanted = new Set(desired.map(keyOf));
  const steps = desired.map((object) => stepTo(object, byKey.get(keyOf(object)), terms));
  if (!terms.prune) return steps;
  const gone = removalOrder.flatMap((kind) =>
    actual.filter(
      (object) => object.kind === kind && object.managedBy === terms.managedBy && !wanted.has(keyOf(object)),
    ),
  );
  return [...steps, ...gone.map((object) => removalOf(object, terms))];
}

/** Stands for the name of an object that the principal did not name and may not read. */
const unreadableName = '(not readable)';

/** What names others goes before what it names. */
const removalOrder: readonly ObjectKind[] = ['route', 'policy', 'agent', 'secret'];

function keyOf({ kind, name }: { readonly kind: ObjectKind; readonly name: string }): string {
  return `${kind} ${name}`;
}

function stepTo(desired: DesiredObject, actual: ActualObject | undefined, terms: PlanTerms): Step {
  const { kind, name } = desired;
  const unreadable = terms.refusal(actual ?? desired, 'read');
  const base = { kind, name, desired, actual, makesToken: false, isClaimed: false, fields: [] };
  if (unreadable) return { ...base, action: 'UNKNOWN', refused: unreadable };
  const fields = [...fieldChanges(desired, actual), ...valueChange(desired, actual, terms)];
  const isClaimed = terms.managedBy !== undefined && (!actual || (terms.adopt && actual.managedBy !== terms.managedBy));
  if (isClaimed) fields.push({ field: 'managedBy', before: actual?.managedBy ?? null, after: terms.managedBy });
  const action: PlanAction = actual ? (fields.length > 0 ? 'UPDATE' : 'NONE') : 'CREATE';
  const makesToken = kind === 'agent' && hasToken(desired) && !(actual && hasToken(actual));
  return {
    ...base,
    action,
    fields,
    makesToken,
    isClaimed,
    refused: refusalOf(action, fields, { desired, actual }, terms),
  };
}

function fieldChanges({ fields }: DesiredObject, actual: ActualObject | undefined): FieldChange[] {
  return Object.entries(fields)
    .map(([field, after]) => ({ field, before: actual?.fields[field] ?? null, after }))
    .filter(({ before, after }) => !isDeepStrictEqual(before, after) && !(actual === undefined && isNothing(after)));
}

/** What a new object need not say. */
function isNothing(value: unknown): boolean {
  if (value === null || value === '' || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/**
 * Whether a value is a new one. Who may not set it is not told whether it is the same: by asking on they could find it out.
 */
function valueChange(desired: DesiredObject, actual: ActualObject | undefined, terms: PlanTerms) {
  const { value } = desired;
  if (value === undefined) return [];
  const isComparable = terms.refusal(desired, actual ? 'rotate' : 'create') === null;
  if (isComparable && actual !== undefined && terms.hasValue(actual, value)) return [];
  return [{ field: 'value', before: null, after: newValue }];
}

function refusalOf(
  action: PlanAction,
  fields: readonly FieldChange[],
  { desired, actual }: { readonly desired: DesiredObject; readonly actual: ActualObject | undefined },
  terms: PlanTerms,
): PlannedChange['refused'] {
  if (action === 'NONE') return null;
  if (actual === undefined) return terms.refusal(desired, 'create');
  const isOthers = actual.managedBy !== null && actual.managedBy !== terms.managedBy;
  if (isOthers && !terms.adopt)
    return {
      code: 'MANAGED_ELSEWHERE',
      message: `The ${desired.kind} ${desired.name} is managed by ${actual.managedBy}: change it there, or adopt it`,
    };
  const isOfValue = fields.some(({ field }) => field === 'value');
  const isOfMore = fields.some(({ field }) => field !== 'value');
  const refused = isOfMore ? (terms.refusal(actual, 'update') ?? terms.refusal(desired, 'update')) : null;
  return refused ?? (isOfValue ? terms.refusal(desired, 'rotate') : null);
}

function removalOf(actual: ActualObject, terms: PlanTerms): Step {
  const { kind, name } = actual;
  const base = { kind, name, desired: undefined, actual, makesToken: false, isClaimed: false, fields: [] };
  const unreadable = terms.refusal(actual, 'read');
  if (unreadable) return { ...base, name: unreadableName, action: 'UNKNOWN', refused: unreadable };
  const fields = Object.entries(actual.fields)
    .filter(([, before]) => !isNothing(before))
    .map(([field, before]) => ({ field, before, after: null }));
  return { ...base, fields, action: 'DELETE', refused: terms.refusal(actual, 'delete') };
}

function hasToken({ fields }: DesiredObject | ActualObject): boolean {
  const identities = fields['identities'];
  return Array.isArray(identities) && identities.some((identity: object) => 'token' in identity);
}
