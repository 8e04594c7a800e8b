import type { Header } from '../wire/head.ts';

const replaced = new Set(['accept-encoding', 'range', 'if-range', 'grpc-accept-encoding', 'connect-accept-encoding']);
const identity: Header = { name: 'accept-encoding', rawName: 'Accept-Encoding', value: 'identity' };

/**
 * The fields of a request whose answer will be searched: it asks for a payload that is not compressed (RFC 9110 12.5.3), and
 * for all of it, since two ranges can hold a half each (RFC 9110 14.2). gRPC compresses each message by a header of its own.
 */
export function askedPlainly(headers: readonly Header[]): readonly Header[] {
  const kept = headers.filter(({ name }) => !replaced.has(name));
  kept.push(identity);
  return kept;
}
