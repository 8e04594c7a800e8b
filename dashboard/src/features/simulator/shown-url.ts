/** A URL as the page's own address has it: without user, password and query, where somebody may have put a key. They decide nothing. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');
}
