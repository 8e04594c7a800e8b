/** A place below a field at which two values differ. Undefined: there is nothing on that side. */
export interface LeafChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Where two values of JSON differ, as near to the leaves as says something: lists of one length are compared item by item,
 * others as a whole.
 */
export function leafChanges(path: string, before: unknown, after: unknown): LeafChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return listChanges(path, before, after);
  if (isFields(before) && isFields(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => leafChanges(`${path}.${name}`, before[name], after[name]));
  }
  return [{ path, before, after }];
}

function listChanges(path: string, before: readonly unknown[], after: readonly unknown[]): LeafChange[] {
  const isOfFields = [...before, ...after].every(isFields);
  if (!isOfFields) return [{ path, before, after }];
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, index) => leafChanges(`${path}[${index}]`, before[index], after[index])).flat();
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
