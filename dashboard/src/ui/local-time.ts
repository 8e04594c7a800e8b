/** A moment as an input of type `datetime-local` has it, by the clock of whoever reads it. */
export function localTimeOf(moment: string | null): string {
  if (moment === null) return '';
  const at = new Date(moment);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment that such an input says; null when it is empty. */
export function momentOf(localTime: string): string | null {
  return localTime === '' ? null : new Date(localTime).toISOString();
}
