/** What is loaded, by its number. */
export const number = (index: number): string => String(index).padStart(6, '0');
export const secretName = (index: number): string =>
  `${['prod', 'staging', 'dev'][index % 3]}/service-${number(index)}`;
export const agentName = (index: number): string => `agent-${number(index)}`;

/** So many, each made of its number. */
export function* times<T>(count: number, make: (index: number) => T): Iterable<T> {
  for (let index = 0; index < count; index++) yield make(index);
}
