/** The values of a text in which white space and commas stand between them. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Labels of a text like `team=finance, site=berlin`; undefined when it is none. */
export function labelsOf(text: string): { key: string; value: string }[] | undefined {
  const parts = text.split(',').flatMap((part) => part.trim() || []);
  const labels = parts.map((part) => /^([^=]+)=(.*)$/.exec(part));
  if (labels.includes(null)) return undefined;
  return labels.map((match) => ({ key: match?.[1]?.trim() ?? '', value: match?.[2]?.trim() ?? '' }));
}
