/**
 * A placeholder is the text that an agent holds instead of a secret: `onecli://prod/openai`, or a pinned version of it,
 * `onecli://prod/openai@3`.
 */
export const placeholderScheme = 'onecli://';

const nameAndVersion = /[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9._-]*(?:@([A-Za-z0-9._-]*))?/y;
const plainVersion = /^[1-9][0-9]{0,8}$/;

export interface Placeholder {
  /** The secret's name, or undefined when what follows the scheme is no well-formed name and version. */
  readonly name: string | undefined;
  /** The pinned version, or undefined for the current one. */
  readonly version: number | undefined;
  /** Where it stands in the text: [start, end). */
  readonly start: number;
  readonly end: number;
}

/** The placeholder of a secret, as an agent holds it. */
export function placeholderFor(secretName: string, version?: number): string {
  return placeholderScheme + secretName + (version === undefined ? '' : `@${version}`);
}

/**
 * Finds every placeholder in a text, in order. A name is taken as long as it goes, so that `onecli://prod/openai.` names
 * the secret `prod/openai.` and not `prod/openai`: a placeholder must stand by itself. A version is
 * 1 to 999999999, written in its one form, and an `@` begins one: `@0`, `@007`, `@3x` and `@` alone name nothing.
 */
export function findPlaceholders(text: string): Placeholder[] {
  const found: Placeholder[] = [];
  let from = text.indexOf(placeholderScheme);
  while (from !== -1) {
    const placeholder = readPlaceholder(text, from);
    found.push(placeholder);
    from = text.indexOf(placeholderScheme, placeholder.end);
  }
  return found;
}

function readPlaceholder(text: string, start: number): Placeholder {
  nameAndVersion.lastIndex = start + placeholderScheme.length;
  const match = nameAndVersion.exec(text);
  if (!match) return { name: undefined, version: undefined, start, end: start + placeholderScheme.length };
  const [whole, version] = match;
  const end = nameAndVersion.lastIndex;
  if (version === undefined) return { name: whole, version: undefined, start, end };
  if (!plainVersion.test(version)) return { name: undefined, version: undefined, start, end };
  return { name: whole.slice(0, -version.length - 1), version: Number(version), start, end };
}
