/** An input of GraphQL without its fields that are null, where null says no more than absent. */
export function withoutNulls(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
}
