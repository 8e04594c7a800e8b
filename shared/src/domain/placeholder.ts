/**
 * A placeholder is the text that an agent holds instead of a secret: `onecli://prod/openai`, or a pinned version of it,
 * `onecli://prod/openai@3`; or the secret's alias, `sk-onecli7x…`, for tools that look at the shape of a key.
 */
export const placeholderScheme = 'onecli://';
/** All placeholders have this in them, so that one search finds out that a text has none. */
export const placeholderMark = 'onecli';
/** What an alias has after its prefix. */
const aliasMark = 'onecli7x';
/** 28 of 62 characters: 166 bits. */
export const aliasIdLength = 28;
export const aliasAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
export const maxAliasPrefixLength = 32;

const nameAndVersion = /[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9._-]*(?:@([A-Za-z0-9._-]*))?/y;
const aliasIdAndVersion = /([A-Za-z0-9]{28})(?![A-Za-z0-9_-])(?:@([A-Za-z0-9._-]*))?/y;
const plainVersion = /^[1-9][0-9]{0,8}$/;
const afterMark = placeholderScheme.slice(placeholderMark.length);
const afterAliasMark = aliasMark.slice(placeholderMark.length);

export interface Placeholder {
  /** The secret's name, or undefined for an alias, and when what follows the scheme is no well-formed name and version. */
  readonly name: string | undefined;
  /** What tells an alias from all others, or undefined when it is none. */
  readonly aliasId: string | undefined;
  /** The pinned version, or undefined for the current one. */
  readonly version: number | undefined;
  /** Where it stands in the text: [start, end). An alias's prefix is ahead of `start`: only who knows the alias knows it. */
  readonly start: number;
  readonly end: number;
}

/** The placeholder of a secret, as an agent holds it. */
export function placeholderFor(secretName: string, version?: number): string {
  return placeholderScheme + secretName + (version === undefined ? '' : `@${version}`);
}

/** True for the prefix of an alias: letters, digits, `_`, `-`; nothing that looks like the start of another placeholder. */
export function isAliasPrefix(prefix: string): boolean {
  return /^[A-Za-z0-9_-]{1,32}$/.test(prefix) && !prefix.includes(placeholderMark);
}

/** An alias of a prefix and 28 characters of `aliasAlphabet` that nobody can guess. */
export function aliasOf(prefix: string, id: string): string {
  return prefix + aliasMark + id;
}

/** The two parts of an alias that `aliasOf` made. */
export function splitAlias(alias: string): { readonly prefix: string; readonly id: string } {
  const idAt = alias.length - aliasIdLength;
  return { prefix: alias.slice(0, idAt - aliasMark.length), id: alias.slice(idAt) };
}

/**
 * Finds every placeholder in a text, in order. A name is taken as long as it goes, so that `onecli://prod/openai.` names
 * the secret `prod/openai.` and not `prod/openai`: a placeholder must stand by itself. A version is
 * 1 to 999999999, written in its one form, and an `@` begins one: `@0`, `@007`, `@3x` and `@` alone name nothing.
 */
export function findPlaceholders(text: string): Placeholder[] {
  const found: Placeholder[] = [];
  let from = text.indexOf(placeholderMark);
  while (from !== -1) {
    const next = from + placeholderMark.length;
    let end = next;
    if (text.startsWith(afterMark, next)) {
      const placeholder = readName(text, from);
      found.push(placeholder);
      end = placeholder.end;
    } else if (text.startsWith(afterAliasMark, next)) {
      const placeholder = readAlias(text, from);
      found.push(placeholder);
      end = placeholder.end;
    }
    from = text.indexOf(placeholderMark, end);
  }
  return found;
}

function readName(text: string, start: number): Placeholder {
  nameAndVersion.lastIndex = start + placeholderScheme.length;
  const match = nameAndVersion.exec(text);
  if (!match) return unnamed(start, start + placeholderScheme.length);
  const [whole, version] = match;
  const end = nameAndVersion.lastIndex;
  if (version === undefined) return { name: whole, aliasId: undefined, version: undefined, start, end };
  if (!plainVersion.test(version)) return unnamed(start, end);
  const name = whole.slice(0, -version.length - 1);
  return { name, aliasId: undefined, version: Number(version), start, end };
}

function readAlias(text: string, start: number): Placeholder {
  aliasIdAndVersion.lastIndex = start + aliasMark.length;
  const match = aliasIdAndVersion.exec(text);
  if (!match) return unnamed(start, start + aliasMark.length);
  const [, aliasId, version] = match;
  const end = aliasIdAndVersion.lastIndex;
  if (version === undefined) return { name: undefined, aliasId, version: undefined, start, end };
  if (!plainVersion.test(version)) return unnamed(start, end);
  return { name: undefined, aliasId, version: Number(version), start, end };
}

/** What has the look of a placeholder and names nothing. */
function unnamed(start: number, end: number): Placeholder {
  return { name: undefined, aliasId: undefined, version: undefined, start, end };
}
