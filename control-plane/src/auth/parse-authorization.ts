/** What an Authorization header presents. */
export type Credentials =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' };

const maxHeaderLength = 4096;

/** Reads an Authorization header: Basic (RFC 7617, UTF-8) or Bearer (RFC 6750, section 2.1). The scheme's letter case is free. */
export function parseAuthorization(header: string | undefined): Credentials {
  if (header === undefined || header === '') return { kind: 'none' };
  if (header.length > maxHeaderLength) return { kind: 'malformed' };
  const match = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*) *$/.exec(header);
  const [, scheme, value] = match ?? [];
  if (scheme === undefined || value === undefined) return { kind: 'malformed' };
  switch (scheme.toLowerCase()) {
    case 'basic':
      return parseBasic(value);
    case 'bearer':
      return { kind: 'bearer', token: value };
    default:
      return { kind: 'malformed' };
  }
}

function parseBasic(value: string): Credentials {
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return { kind: 'malformed' };
  return { kind: 'basic', user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
