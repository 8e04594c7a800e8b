/**
 * Hides what could be a credential in what is about to be told to people: log lines and support bundles. Nobody means to put one
 * there; this is for the day when somebody does all the same.
 */
export const hiddenText = '[hidden]';

/** Names of fields that could hold a credential, however they are written: `adminPassword`, `api_key`, `Set-Cookie`. */
const hiddenName =
  /pass(?:word|phrase|wd)|authori[sz]ation$|cookie|(?:^|[^a-z])value$|Value$|token$|tokens$|credential|private.?key|master.?key|api.?key$|pepper|^secret$|Secret$|_secret$|^key$|sealed|connection.?string|database.?url|dsn$|plaintext|^body$|^headers$/i;

/** None of them may look at the same characters again and again: a line may be long, and of somebody's choosing. */
const patterns: readonly (readonly [RegExp, string])[] = [
  // userinfo of a URL (RFC 3986, section 3.2.1)
  [/:\/\/[^\s/@"']+@/g, `://${hiddenText}@`],
  [/\b(Basic|Bearer|Digest)\s+[A-Za-z0-9+/_=.~-]{6,}/gi, `$1 ${hiddenText}`],
  [/\b(?:oat|ock|osk|onecli)_[A-Za-z0-9_-]{16,}/g, hiddenText],
  [/\b(?:sk|pk|rk|ghp|gho|ghs|xox[abprs]|glpat|AKIA|AIza)[-_]?[A-Za-z0-9_-]{16,}/g, hiddenText],
  // A JWT, and every other base64url of a JSON object
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g, hiddenText],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hiddenText],
  [/\b[0-9a-f]{64}\b/gi, hiddenText],
  // Never the `"name":value` of the JSON that a line itself is: that is for the names of its fields.
  [/(pass(?:word|wd)?|secret|token|api[-_]?key)(["']?(?:\s*=\s*|:\s+)["']?)[^\s,;&"'}]+/gi, `$1$2${hiddenText}`],
  [/(\\"(?:pass(?:word|wd)?|secret|token|value|api[-_]?key)\\":\s*\\")[^\\"]+/gi, `$1${hiddenText}`],
];

/** A text without what has the shape of a credential. */
export function hideInText(text: string): string {
  return patterns.reduce((hidden, [pattern, by]) => hidden.replace(pattern, by), text);
}

const maxDepth = 6;

/** A copy of a value in which fields that are named like a credential are hidden, at any depth, and texts are without any. */
export function hideCredentials(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return hideInText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return { name: value.name, message: hideInText(value.message) };
  if (Buffer.isBuffer(value) || ArrayBuffer.isView(value)) return hiddenText;
  if (depth >= maxDepth) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => hideCredentials(item, depth + 1));
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name}]`;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, field]) => [name, isHidden(name, field) ? hiddenText : hideCredentials(field, depth + 1)]),
  );
}

function isHidden(name: string, field: unknown): boolean {
  return (
    field !== undefined &&
    field !== null &&
    typeof field !== 'boolean' &&
    typeof field !== 'number' &&
    hiddenName.test(name)
  );
}
