const unfit = /[\x00-\x1f\x7f-\x9f]|\p{Surrogate}/u;
const encoded = /%(?:25|2e|2f|5c)/gi;

/**
 * Whether a provider may call a key so. It may stand in a path, where a part of it that is `.` or `..` would lead to another
 * object: neither is let in, nor what becomes one at a server that decodes more than once.
 */
export function isKeyId(text: string): boolean {
  if (text.length === 0 || text.length > 512 || unfit.test(text)) return false;
  let plain = text;
  for (let before = ''; before !== plain; ) {
    before = plain;
    plain = before.replace(encoded, decodeURIComponent);
  }
  return !hasDotSegment(plain);
}

/** Whether a path goes up, or stays where it is (WHATWG URL, single-dot and double-dot segments), by slashes or backslashes. */
export function hasDotSegment(path: string): boolean {
  return path.split(/[/\\]/).some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
}
