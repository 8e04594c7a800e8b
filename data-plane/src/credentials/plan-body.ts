/** Which surface a request's body is, by what its head says of it (RFC 9110 8.3, 8.4). */
import type { BodySurface } from '@onecli/shared/domain/binding';
import { type Header, headerValues } from '../wire/head.ts';
import { isBound } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from './placement-scope.ts';

export type BodyPlan =
  /** No granted secret may stand in it here: it is watched alone. */
  | { readonly kind: 'watched' }
  | { readonly kind: 'surface'; readonly surface: BodySurface }
  /** It would be a surface, and nobody can tell what it says. */
  | { readonly kind: 'unreadable'; readonly detail: string };

const watched: BodyPlan = { kind: 'watched' };
const readableCharsets = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

/** Asked for requests that have a body. Costs next to nothing when no secret of the snapshot is for bodies. */
export function planBody(headers: readonly Header[], scope: PlacementScope): BodyPlan {
  if (!scope.configuration.hasBodySurfaces) return watched;
  const types = headerValues(headers, 'content-type');
  const surface = surfaceOf(types[0]);
  if (surface === undefined || !isGranted(surface, scope)) return watched;
  if (types.length > 1) return { kind: 'unreadable', detail: 'it has more than one Content-Type' };
  const encodings = headerValues(headers, 'content-encoding');
  if (encodings.some((encoding) => encoding.toLowerCase() !== 'identity'))
    return { kind: 'unreadable', detail: 'it is compressed' };
  const charset = /;[ \t]*charset[ \t]*=[ \t]*"?([^";, \t]+)/i.exec(types[0] ?? '')?.[1]?.toLowerCase();
  if (charset !== undefined && !readableCharsets.has(charset))
    return { kind: 'unreadable', detail: 'its charset is not UTF-8' };
  return { kind: 'surface', surface };
}

function surfaceOf(contentType: string | undefined): BodySurface | undefined {
  const type = /^[^;, \t]*/.exec(contentType ?? '')?.[0].toLowerCase() ?? '';
  if (type === 'application/json' || type.endsWith('+json') || type === 'text/json') return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type.startsWith('text/') ? 'text' : undefined;
}

function isGranted(surface: BodySurface, scope: PlacementScope): boolean {
  for (const name of scope.grants) {
    const secret = scope.configuration.secret(name);
    if (secret && !secret.isDisabled && isBound(secret.binding, surface, scope)) return true;
  }
  return false;
}
