/** A field that is not as it was. */
export interface FieldDifference {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

type Document = Readonly<Record<string, unknown>>;

/** Of a document those fields that are not as in another. */
export function changedParts<Input extends object>(before: Input, after: Input): Partial<Input> {
  const old = before as Document;
  const changed = Object.entries(after).filter(([field, value]) => asText(value) !== asText(old[field]));
  return Object.fromEntries(changed) as Partial<Input>;
}

/** What is different between two documents, for a person. */
export function differencesOf(before: object, after: object): FieldDifference[] {
  const old = before as Document;
  return Object.entries(changedParts(before, after)).map(([field, value]) => ({
    field,
    before: asText(old[field]),
    after: asText(value),
  }));
}

function asText(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
