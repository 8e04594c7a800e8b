/** What a person gave, nested: a null there is what is absent. Dates and the like stay as they are. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]: [string, unknown]) =>
      part === null || part === undefined ? [] : [[name, withoutNulls(part)]],
    ),
  );
}

/** An input for an upsert: nulls on the first level mean the default, deeper ones nothing. */
export function upsertInput(input: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, part]: [string, unknown]) =>
      part === undefined ? [] : [[name, part === null ? null : withoutNulls(part)]],
    ),
  );
}
